# streakline for production: no local Kafka, no tools, not root, the hot path compiled.
FROM python:3.11 AS compiled

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /srv/streakline

# The locked compiler and what it reads the types of; a C compiler is in this image.
COPY requirements.lock ./
RUN pip install --require-hashes -r requirements.lock

COPY pyproject.toml setup.py ./
COPY app app
COPY agents agents
COPY tables tables
RUN STREAKLINE_COMPILE=1 pip wheel --no-deps --no-build-isolation --wheel-dir /wheels .


FROM python:3.11-slim

# Output is not held back.
ENV PYTHONUNBUFFERED=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1

WORKDIR /srv/streakline
COPY requirements.prod.lock ./
RUN pip install --require-hashes -r requirements.prod.lock

COPY --from=compiled /wheels /wheels
RUN pip install --no-deps /wheels/*.whl

RUN useradd --system --home-dir /nonexistent streakline
USER streakline

# Signals reach it directly: SIGTERM commits and leaves.
ENTRYPOINT ["streakline"]
CMD ["worker"]
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:6066/healthz/ready', timeout=4)"]
