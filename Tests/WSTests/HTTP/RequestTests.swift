import Testing

@testable import WS

@Suite struct RequestTests {
    @Test func `path and query are told apart at the first question mark`() {
        let request = Request.sample("/a/b?c=d?e")
        #expect(request.path == "/a/b")
        #expect(request.rawQuery == "c=d?e")
        #expect(Request.sample("/a").rawQuery == nil)
        #expect(Request.sample("/a?").rawQuery == "")
        #expect(Request.sample("http://test").path == "/")
    }

    @Test func `OPTIONS of an absolute target without a path asks the server as a whole`() {
        #expect(Request.sample("OPTIONS", "http://test").path == "*")
        #expect(Request.sample("OPTIONS", "http://test?a").path == "/")
        #expect(Request.sample("OPTIONS", "http://test/").path == "/")
    }

    @Test func `a query parameter is decoded as a form is`() {
        let request = Request.sample("/?a=1&b=x+y%2B%20z&c&=n&a=2&d=%zz%4&e%3D=f&g==")
        #expect(request.query("a") == "1")
        #expect(request.query("b") == "x y+ z")
        #expect(request.query("c") == "")
        #expect(request.query("d") == "%zz%4")
        #expect(request.query("e=") == "f")
        #expect(request.query("g") == "=")
        #expect(request.query("A") == nil)
        #expect(Request.sample("/").query("a") == nil)
    }

    @Test func `query parameters as they were sent are found by name in any case`() {
        func values(_ target: String) -> [String] {
            Request.sample(target).rawQueryValues(named: "id")
        }
        let all = values("/?id=a%20b+c&ID=2&&Id&xid=3&i=4&idx=5&id=x=y")
        #expect(all == ["a%20b+c", "2", "", "x=y"])
        #expect(values("/?i%64=1") == [])
        #expect(values("/?id") == [""])
        #expect(values("/?") == [])
        #expect(values("/") == [])
    }

    @Test func `a field is found by name in any case, the first line of several`() {
        let request = Request.sample(
            "/", fields: [("Origin", "o"), ("X-Own", "1"), ("x-own", "2"), ("Cookie", "")])
        #expect(request.header(.origin) == "o")
        #expect(request.header(named: "x-OWN") == "1")
        #expect(request.header(named: "origin") == "o")
        #expect(request.header(.cookie) == "")
        #expect(request.header(.accept) == nil)
        #expect(request.headerCount(.origin) == 1)
    }

    @Test func `a list is searched over all its lines`() {
        let request = Request.sample(
            "/",
            fields: [
                ("Connection", "keep-alive , Upgrade"), ("Upgrade", "h2c"),
                ("Upgrade", ",WebSocket"),
            ])
        #expect(request.lists("upgrade", in: .connection))
        #expect(request.lists("websocket", in: .upgrade))
        #expect(!request.lists("web", in: .upgrade))
        #expect(!request.lists("websocket", in: .connection))
    }

    @Test func `a prefix ends at a segment`() {
        #expect(Request.sample("/api").isBelow("/api"))
        #expect(Request.sample("/API/orders").isBelow("/api"))
        #expect(!Request.sample("/apis").isBelow("/api"))
        #expect(!Request.sample("/ap").isBelow("/api"))
        #expect(Request.sample("/anything").isBelow("/"))
    }

    @Test func `no access token survives redaction`() {
        func redacted(_ target: String) -> String { Request.sample(target).redactedTarget }
        #expect(redacted("/h?id=1&access_token=secret&x=2") == "/h?id=1&access_token=redacted&x=2")
        #expect(redacted("/h?ACCESS_TOKEN=secret") == "/h?ACCESS_TOKEN=redacted")
        #expect(redacted("/h?access%5Ftoken=secret") == "/h?access%5Ftoken=redacted")
        #expect(
            redacted("/h?access_token=a=b&access_token=c")
                == "/h?access_token=redacted&access_token=redacted")
        #expect(redacted("/h?access_token") == "/h?access_token")
        #expect(redacted("/h?&&") == "/h?&&")
        #expect(redacted("/h") == "/h")
    }

    @Test func `a trace goes on with a valid traceparent and begins anew otherwise`() {
        let id = "4bf92f3577b34da6a3ce929d0e0e4736"
        func trace(_ parent: String) -> String {
            Request.sample("/", fields: [("traceparent", parent)]).trace.text
        }

        let text = trace("00-\(id)-00f067aa0ba902b7-01")
        #expect(text.hasPrefix("00-\(id)-"))
        #expect(text.hasSuffix("-01"))
        #expect(text.utf8.count == 55)
        #expect(!text.contains("00f067aa0ba902b7"))

        for invalid in [
            "", "00-\(id)-00f067aa0ba902b7", "01-\(id)-00f067aa0ba902b7-01",
            "00-\(id.uppercased())-00f067aa0ba902b7-01", "00-\(id)-0000000000000000-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-\(id)-00f067aa0ba902b7-0g", "00_\(id)-00f067aa0ba902b7-01",
        ] {
            #expect(!trace(invalid).contains("4bf92f35"), "\(invalid)")
        }
    }

    @Test func `two requests have two traces`() {
        var traces = TraceSource(seed: 7)
        let first = traces.context(continuing: nil)
        let second = traces.context(continuing: nil)
        #expect(first.text != second.text)
    }
}
