FROM python:3.13-slim AS build
WORKDIR /source
# The lock also holds development tools. Everything in it is fetched and checked by its hash once; the environment
# then takes only what the operator depends on, and can take nothing else, because it sees no index.
COPY requirements.lock ./
RUN pip wheel --no-cache-dir --disable-pip-version-check --require-hashes --wheel-dir /wheels -r requirements.lock
COPY pyproject.toml README.md ./
COPY operator operator
RUN pip wheel --no-cache-dir --disable-pip-version-check --no-deps --wheel-dir /own .
RUN python -m venv --without-pip /app \
 && pip --python /app/bin/python install --no-cache-dir --disable-pip-version-check \
        --no-index --find-links /wheels /own/*.whl

FROM python:3.13-slim
COPY --from=build /app /app
ENV PATH=/app/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["managed-databases"]
CMD ["run"]
