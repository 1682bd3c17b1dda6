# Optional: nobody needs a container to use dlc-core.
#   docker build --target cpu -t dlc-core:cpu .
#   docker build --target gpu -t dlc-core:gpu .        then: docker run --gpus all ...
#   docker run --rm -v "$PWD":/project -w /project dlc-core:cpu dlc analyze videos/a.mp4
FROM python:3.12-slim AS source
WORKDIR /opt/dlc-core
COPY pyproject.toml README.md LICENSE ./
COPY dlc_core dlc_core
COPY plugins plugins
COPY configs configs

FROM source AS cpu
RUN pip install --no-cache-dir --extra-index-url https://download.pytorch.org/whl/cpu ".[weights]"
ENTRYPOINT []
CMD ["dlc", "--help"]

# The wheels of PyTorch for Linux carry CUDA; the host needs a driver and the NVIDIA container toolkit only.
FROM source AS gpu
RUN pip install --no-cache-dir ".[weights]"
ENTRYPOINT []
CMD ["dlc", "--help"]
