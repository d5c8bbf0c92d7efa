# The product's image (`app`, the default) and the edge's (`edge`): nginx with its routes.
#
#   docker build .                                     docker build --target edge .
#   docker build --build-arg PYTHON_VERSION=3.14 .

ARG PYTHON_VERSION=3.13
ARG NGINX_IMAGE=nginx:1.28-alpine

# What is thrown away: pip, its cache, the secrets that collectstatic needs.
FROM python:${PYTHON_VERSION}-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PYTHONDONTWRITEBYTECODE=1
WORKDIR /app

# Wheels only, by hash: nothing is compiled here, and nothing comes that the lock does not know. The environment has no
# pip of its own. botocore describes 400 services of AWS, of which django-storages speaks to one and signs in by three.
COPY requirements/production.txt requirements/
RUN --mount=type=cache,target=/root/.cache/pip \
    python -m venv --without-pip /opt/venv \
    && python -m pip --python /opt/venv/bin/python install --quiet --no-compile --require-hashes --only-binary :all: \
        -r requirements/production.txt \
    && find /opt/venv/lib/python3*/site-packages/botocore/data -mindepth 1 -maxdepth 1 -type d \
        ! -name s3 ! -name sts ! -name sso ! -name sso-oidc -exec rm -r {} + \
    && /opt/venv/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/venv/lib

COPY manage.py product.toml ./
COPY scripts/dotenv.py scripts/
COPY config config
COPY infrastructure infrastructure
COPY apps apps
# Production settings refuse to load without strong secrets: these live as long as this line.
RUN set -a && eval "$(python scripts/dotenv.py --print)" \
    && DATABASE_URL=postgres://nobody@127.0.0.1/none REDIS_URL=redis://127.0.0.1/0 \
        DJANGO_SETTINGS_MODULE=config.settings.production /opt/venv/bin/python manage.py collectstatic --noinput -v 0 \
    && rm -r scripts && python -m compileall -q -j 0 --invalidation-mode unchecked-hash apps config infrastructure


FROM ${NGINX_IMAGE} AS edge
COPY deploy/nginx/nginx.conf /etc/nginx/nginx.conf
COPY deploy/nginx/problem.conf /etc/nginx/problem.conf
COPY deploy/nginx/proxy.conf /etc/nginx/proxy.conf
COPY deploy/nginx/templates /etc/nginx/templates
COPY --chmod=755 deploy/nginx/variables.envsh /docker-entrypoint.d/16-variables.envsh
ENV NGINX_ENTRYPOINT_QUIET_LOGS=1 NGINX_ENVSUBST_FILTER=^EDGE_ EDGE_TRUSTED_PROXY=0.0.0.0/32 EDGE_RESOLVER=127.0.0.11 EDGE_WEB=web EDGE_CHANNELS=channels MAX_UPLOAD_BYTES=5242880 \
    EDGE_REQUESTS_PER_ADDRESS=200 EDGE_SOCKETS_PER_ADDRESS=1000 EDGE_HANDSHAKES_PER_SECOND=50
USER nginx
EXPOSE 8080
STOPSIGNAL SIGQUIT


FROM python:${PYTHON_VERSION}-slim AS app
# glibc gives large bodies back to the system when they are done with, instead of keeping the holes: a quarter less memory.
ENV MALLOC_ARENA_MAX=2 MALLOC_MMAP_THRESHOLD_=131072 MALLOC_TRIM_THRESHOLD_=131072
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PYTHONFAULTHANDLER=1 \
    DJANGO_SETTINGS_MODULE=config.settings.production DJANGO_READ_DOT_ENV=0 \
    PYTHONPATH=/app DATA_DIR=/data HOME=/tmp
# A fixed number, so that volumes and policies can name it. It owns its data and nothing else.
RUN groupadd --gid 10001 app && useradd --uid 10001 --gid app --no-create-home --shell /usr/sbin/nologin app \
    && install -d -o app -g app /data /data/media /data/private /data/static
WORKDIR /app
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app ./
COPY deploy/gunicorn.conf.py deploy/health.py deploy/static_files.py deploy/
ARG COMMIT=
ENV COMMIT=$COMMIT
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
CMD ["gunicorn", "--config", "deploy/gunicorn.conf.py", "config.wsgi:application"]
