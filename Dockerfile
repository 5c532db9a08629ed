# secure-io in a container: `docker run --rm -p 3000:3000 -v secure-io:/data secure-io`
# The root file system may be read-only (`--read-only`): all that is written is in /data.
FROM rust:1.95-bookworm AS build
WORKDIR /src
RUN apt-get update && apt-get install -y --no-install-recommends npm && rm -rf /var/lib/apt/lists/*
COPY . .
RUN cargo build --locked --profile dist && cp target/dist/secure-io /secure-io

FROM debian:bookworm-slim
COPY --from=build /secure-io /usr/local/bin/secure-io
RUN useradd --system --uid 10001 --home-dir /data --create-home secure-io
USER 10001
ENV XDG_DATA_HOME=/data
VOLUME /data
WORKDIR /data
EXPOSE 3000
ENTRYPOINT ["secure-io"]
CMD ["serve", "--addr", "0.0.0.0"]
