# Two stages: a static binary, then nothing else. The classic builder of old
# engines is enough: no RUN --mount, no heredoc, no COPY --link.
#
# `make docker` puts vendored modules into the context, so that the build needs
# no network; without a vendor directory Go fetches the modules itself.
ARG GO_IMAGE=golang:1.26-bookworm
ARG BASE_IMAGE=scratch

FROM ${GO_IMAGE} AS build
WORKDIR /src
COPY . .
ARG VERSION=unknown
RUN CGO_ENABLED=0 go build -buildvcs=false -trimpath -tags nomsgpack \
        -ldflags "-s -w -X main.linked=${VERSION}" \
        -o /root-fs/usr/local/bin/tinyurl ./cmd/tinyurl \
    && mkdir -p /root-fs/etc/ssl/certs /data-fs/data \
    && cp /etc/ssl/certs/ca-certificates.crt /root-fs/etc/ssl/certs/

FROM ${BASE_IMAGE}
COPY --from=build /root-fs/ /
# The data directory belongs to the user below; a named volume takes over its
# owner when it is first mounted there.
COPY --from=build --chown=65532:65532 /data-fs/ /
USER 65532:65532
ENV TINYURL_DATA_DIR=/data
VOLUME /data
# HTTP, cluster (raft and peer calls, mutual TLS), gossip.
EXPOSE 8080 7000 7946 7946/udp
# Ready is what a balancer would ask, too; TINYURL_SERVER names another listener.
HEALTHCHECK --interval=10s --timeout=6s --start-period=60s CMD ["/usr/local/bin/tinyurl", "healthcheck"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/tinyurl"]
CMD ["serve"]
