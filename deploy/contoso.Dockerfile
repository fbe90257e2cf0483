# The program, for all three services; `--roles` says which one a container is.
#
#   docker build -f deploy/contoso.Dockerfile -t contoso-orders .
#
#   build: compiler and headers ──▶ one binary with Swift's libraries inside ──▶ run: Debian's shared
#   libraries that it links, a numeric user, nothing that has to be written to but /tmp

FROM swift:6.3-bookworm AS build
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# The headers are of the same Debian as the libraries below; that is all that ties their versions.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        libssl-dev libsqlite3-dev libhiredis-dev librabbitmq-dev libpq-dev zlib1g-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
# The package names its tests and benchmarks, so that their folders have to exist.
COPY Package.swift ./
COPY Benchmarks Benchmarks
COPY Tests Tests
COPY Sources Sources
RUN swift build -c release --product contoso --static-swift-stdlib \
    && install -D --strip "$(swift build -c release --show-bin-path)/contoso" /out/contoso

FROM debian:bookworm-slim AS run
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        ca-certificates libssl3 libsqlite3-0 libhiredis0.14 librabbitmq4 libpq5 zlib1g \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /out/contoso /usr/local/bin/contoso
COPY web /usr/local/share/contoso/web
COPY LICENSE NOTICE /usr/local/share/doc/contoso/

ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Contoso Orders" \
      org.opencontainers.image.description="Order API, worker and SignalR hub in one program" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

# A proxy ends TLS; a container that should do it itself sets CONTOSO_HTTPS, CONTOSO_CERT, CONTOSO_KEY.
ENV CONTOSO_HTTP=0.0.0.0:8080 \
    CONTOSO_HTTPS=none \
    CONTOSO_WEB=/usr/local/share/contoso/web
EXPOSE 8080
USER 65532:65532
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["/usr/local/bin/contoso", "health", "--url", "http://127.0.0.1:8080"]
# The program is process 1: it takes SIGTERM itself and starts no others.
ENTRYPOINT ["/usr/local/bin/contoso"]
CMD ["serve"]
