# The bases are arguments, so that others can take their places: a mirror's, or stand-ins where no registry is reachable
# (test/image). Both must be of the same distribution, and the build image needs node, npm and strip.
ARG BUILD_IMAGE=docker.io/library/node:26.10.0-trixie
ARG RUNTIME_IMAGE=gcr.io/distroless/cc-debian13:nonroot

FROM ${BUILD_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json ./
# No install scripts: nothing here needs one, and the package "node" would fetch a second Node.
RUN npm ci --ignore-scripts --no-audit --no-fund
# Node without its symbols (a quarter of it), and the one library of it that the runtime image lacks.
RUN set -eu; \
    node=$(command -v node); \
    install -D "$node" /rootfs/usr/local/bin/node; \
    strip /rootfs/usr/local/bin/node; \
    atomic=$(readlink -f "$(ldd "$node" | awk '/libatomic/ { print $3 }')"); \
    install -D -m 0644 "$atomic" "/rootfs${atomic%/*}/libatomic.so.1"
COPY tsconfig.json ./
COPY scripts scripts
COPY src src
# For `kubectl exec <pod> -c leasegate -- leasegate status`: the image has neither a shell nor env.
RUN printf '#!/usr/local/bin/node\nrequire("/opt/leasegate/leasegate.js");\n' > /rootfs/usr/local/bin/leasegate && \
    chmod 0755 /rootfs/usr/local/bin/leasegate
# By the node that will run it: the code cache that is baked in fits only that.
RUN /rootfs/usr/local/bin/node scripts/build.ts --outdir /rootfs/opt/leasegate

FROM ${RUNTIME_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=
LABEL org.opencontainers.image.title="leasegate" \
      org.opencontainers.image.description="Sidecar that runs a Kubernetes Lease election for its pod" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /rootfs/ /
COPY LICENSE /opt/leasegate/LICENSE
# One arena of malloc for all threads: 1 MiB less under load. By itself malloc soon keeps up to 64 MiB that nobody uses. A young
# generation of 24 MiB instead of 48: the gateway is as fast with it, and 40 MiB smaller under load.
ENV MALLOC_ARENA_MAX=1 MALLOC_TRIM_THRESHOLD_=131072 NODE_ENV=production NODE_OPTIONS=--max-semi-space-size=8
# By number, so that the kubelet can check runAsNonRoot. It writes no file: the root may be read-only.
USER 65532:65532
# 4040 is the local API, on loopback only; 4041 the probes and metrics.
EXPOSE 4041
ENTRYPOINT ["/usr/local/bin/node", "/opt/leasegate/leasegate.js"]
CMD ["run"]
