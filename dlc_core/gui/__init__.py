"""The browser application: label, refine, grab frames, run the protocol. Needs the extra ``[gui]``."""
