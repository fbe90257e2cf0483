# The shop on an origin of its own, as the .NET system serves it: port 4200, plain files.
#
#   docker build -f deploy/frontend.Dockerfile -t contoso-orders-frontend .
#
# Where the API and the hub are comes from the environment at start: SIGNALR_BASE_URL,
# ORDER_ACCEPT_API_BASE_URL, DEFAULT_USER_ID.

FROM nginxinc/nginx-unprivileged:1.28-alpine
LABEL org.opencontainers.image.title="Contoso Orders shop" \
      org.opencontainers.image.licenses="MIT"
COPY web /usr/share/nginx/html
COPY deploy/nginx/frontend.conf.template /etc/nginx/templates/default.conf.template
USER 101:101
EXPOSE 4200
HEALTHCHECK --interval=10s --timeout=3s --retries=3 \
    CMD ["wget", "--quiet", "--output-document=/dev/null", "http://127.0.0.1:4200/"]
