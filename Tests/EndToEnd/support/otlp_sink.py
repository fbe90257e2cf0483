"""A collector that keeps what it is sent: OTLP over HTTP, read by the official message classes.

    servers ── POST /v1/traces ──▶ OTLPSink ── traces() ──▶ {trace id: [Span, …]}

Whatever cannot be parsed, or comes on another path or as another type, is kept as a fault, so that a
test fails on it instead of missing a span.
"""

import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest, ExportTraceServiceResponse)


@dataclass(frozen=True)
class Span:
    service: str
    name: str
    kind: int
    trace: str
    id: str
    parent: str  # Empty for the first of its trace.
    start: int
    end: int
    attributes: dict
    error: str | None


def _value(value):
    return getattr(value, value.WhichOneof("value"))


def _attributes(pairs) -> dict:
    return {pair.key: _value(pair.value) for pair in pairs}


def _spans(request: ExportTraceServiceRequest):
    for resource_spans in request.resource_spans:
        service = _attributes(resource_spans.resource.attributes)["service.name"]
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                yield Span(
                    service, span.name, span.kind, span.trace_id.hex(), span.span_id.hex(),
                    span.parent_span_id.hex(), span.start_time_unix_nano, span.end_time_unix_nano,
                    _attributes(span.attributes),
                    span.status.message if span.status.code == 2 else None)


class OTLPSink:
    """Listens on a free port of 127.0.0.1 from its making to `close`."""

    def __init__(self):
        self._lock = threading.Lock()
        self._spans: list[Span] = []
        self._faults: list[str] = []
        sink = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                sink._take(self.path, self.headers["Content-Type"], body)
                answer = ExportTraceServiceResponse().SerializeToString()
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def _take(self, path: str, content_type: str, body: bytes) -> None:
        try:
            assert path == "/v1/traces", path
            assert content_type == "application/x-protobuf", content_type
            spans = list(_spans(ExportTraceServiceRequest.FromString(body)))
        except Exception as error:  # A fault of whatever kind is the test's to report.
            with self._lock:
                self._faults.append(repr(error))
            return
        with self._lock:
            self._spans += spans

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def environment(self) -> dict[str, str]:
        """For the servers that shall send their spans here, soon."""
        host, port = self._server.server_address
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{host}:{port}",
                "OTEL_BSP_SCHEDULE_DELAY": "100"}

    @property
    def spans(self) -> list[Span]:
        with self._lock:
            assert not self._faults, self._faults
            return list(self._spans)

    def traces(self) -> dict[str, list[Span]]:
        traces: dict[str, list[Span]] = {}
        for span in self.spans:
            traces.setdefault(span.trace, []).append(span)
        return traces
