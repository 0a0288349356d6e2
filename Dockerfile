# Built by `make image`. The digest is kept up by `make base-digest`; without a registry the base is another (see there).
ARG BASE_IMAGE=docker.io/library/python:3.13-slim@sha256:9d2e5553305c7c7b0097999bb17187c69b921ccd6bc9d40e4bb5ebe652c00285
FROM ${BASE_IMAGE} AS build
WORKDIR /source
RUN python3 -m venv --without-pip /app && python3 -m venv --without-pip /tools && mkdir /wheels
COPY requirements.lock ./
COPY deploy/image/__init__.py deploy/image/lock.py deploy/image/
# Wheels only, each checked by its hash: nothing is built, so nothing is fetched that would build it.
RUN export PYTHONPATH=deploy PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 \
 && python3 -m image.lock hatchling > /wheels/tools.lock \
 && python3 -m image.lock managed-databases-operator > /wheels/runtime.lock \
 && python3 -m pip --python /tools/bin/python3 install --quiet --require-hashes --no-deps --only-binary :all: -r /wheels/tools.lock \
 && python3 -m pip --python /app/bin/python3 install --quiet --require-hashes --no-deps --only-binary :all: --no-compile \
        --report /wheels/installed.json -r /wheels/runtime.lock
COPY pyproject.toml README.md LICENSE ./
COPY deploy/examples deploy/examples
COPY operator operator
ARG SOURCE_DATE_EPOCH=315532800
RUN export SOURCE_DATE_EPOCH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 \
 && python3 -m pip --python /tools/bin/python3 wheel --quiet --no-index --no-deps --no-build-isolation --wheel-dir /wheels . \
 && python3 -m pip --python /app/bin/python3 install --quiet --no-index --no-deps --no-compile /wheels/*.whl \
 && python3 -m pip --python /app/bin/python3 check
COPY deploy/image deploy/image
ARG VERSION=0
ARG CREATED=1970-01-01T00:00:00Z
RUN PYTHONPATH=deploy PYTHONHASHSEED=0 python3 -B -m image.assemble /image "$VERSION" "$SOURCE_DATE_EPOCH" "$CREATED"

# Python and what it needs, the packages, the operator: no shell, no package manager, no pip, no compiler.
FROM scratch
COPY --from=build /image/system /
COPY --from=build /image/packages /
COPY --from=build /image/operator /
ARG VERSION=0
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
ARG BASE_NAME=unknown
ARG BASE_DIGEST=unknown
LABEL org.opencontainers.image.title="managed-databases-operator" \
      org.opencontainers.image.description="A Kubernetes operator for a cloud's Managed Databases API (v1)." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.created="$CREATED" \
      org.opencontainers.image.base.name="$BASE_NAME" \
      org.opencontainers.image.base.digest="$BASE_DIGEST"
ENV PATH=/app/bin LANG=C.UTF-8 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
EXPOSE 8080 8443
ENTRYPOINT ["managed-databases"]
CMD ["run"]
