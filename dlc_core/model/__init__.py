"""The network: what flows through it, and how a backbone and a head become one."""
