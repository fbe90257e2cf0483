import Faults
import Foundation
import Loop
import Testing

@testable import WS

@Suite struct StaticFilesTests {
    /// Files in a directory of their own, served.
    private func serve(
        _ files: [String: String], basePath: String = ""
    ) throws -> StaticFiles {
        let root = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: root) }  // Left for the system to clean up.
        for (path, text) in files {
            let file = root.appending(path: path)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
        return try StaticFiles(directory: root.path, basePath: basePath)
    }

    private let shop = [
        "index.html": "<page>", "js/app.js": "code", "a b.txt": "blank", ".env": "secret",
    ]

    private func body(_ files: StaticFiles, _ target: String) -> String? {
        files.response(to: .sample(target)).map { String(decoding: $0.body, as: UTF8.self) }
    }

    @Test func `a file is served from memory with its type`() throws {
        let files = try serve(shop)
        #expect(files.fileCount == 3)
        let response = try #require(files.response(to: .sample("/js/app.js?v=1")))
        #expect(response.status == .ok)
        #expect(response.header("Content-Type") == "text/javascript; charset=utf-8")
        #expect(response.header("X-Content-Type-Options") == "nosniff")
        #expect(response.header("Cache-Control") == "no-cache")
        #expect(body(files, "/js/app.js") == "code")
        #expect(body(files, "/a%20b.txt") == "blank")
    }

    @Test func `the addresses of a page carry the base path`() throws {
        let page = #"<a href="/"><i src="/a.js"><b href="//cdn/b"><c href="d"><e href="?f">="/"#
        let files = try serve(["index.html": page, "a.js": #"x="/""#], basePath: "/shop")
        #expect(
            body(files, "/")
                == #"<a href="/shop/"><i src="/shop/a.js"><b href="//cdn/b"><c href="d"><e href="?f">="/"#
        )
        #expect(body(files, "/a.js") == #"x="/""#)
    }

    @Test func `a route of the page gets the page, and nothing else does`() throws {
        let files = try serve(shop)
        for target in ["/", "/index.html", "/orders", "/orders/7"] {
            #expect(body(files, target) == "<page>", "\(target)")
        }
        for target in [
            "/none.js", "/api/none", "/API", "/hubs/x", "/health/none", "/dev/none", "/.env",
            "/../etc/passwd.x", "/js/../../etc/x.y", "/%2e%2e/x.y",
        ] {
            #expect(body(files, target) == nil, "\(target)")
        }
        #expect(files.response(to: .sample("POST", "/orders"))?.status == nil)
        #expect(files.response(to: .sample("POST", "/js/app.js"))?.header("Allow") == "GET, HEAD")
    }

    @Test func `a known entity tag is answered with 304`() throws {
        let files = try serve(shop)
        let tag = try #require(files.response(to: .sample("/"))?.header("ETag"))
        #expect(tag.hasPrefix("\"") && tag.hasSuffix("\"") && tag.utf8.count == 34)
        for value in [tag, "W/\(tag)", "\"x\", \(tag) , \"y\"", "*"] {
            let response = files.response(to: .sample("/", fields: [("If-None-Match", value)]))
            #expect(response?.status == .notModified, "\(value)")
            #expect(response?.body == [])
            #expect(response?.header("ETag") == tag)
        }
        for value in ["\"x\"", "", tag + "x", String(tag.dropFirst())] {
            let response = files.response(to: .sample("/", fields: [("If-None-Match", value)]))
            #expect(response?.status == .ok, "\(value)")
        }
    }

    @Test func `equal contents have equal tags and others have others`() throws {
        let files = try serve(["a.txt": "1", "b.txt": "1", "c.txt": "2"])
        func tag(_ path: String) -> String? { files.response(to: .sample(path))?.header("ETag") }
        #expect(tag("/a.txt") == tag("/b.txt"))
        #expect(tag("/a.txt") != tag("/c.txt"))
    }

    @Test func `a directory that cannot be read is an error that names it`() {
        let error = #expect(throws: StaticFilesError.self) {
            _ = try StaticFiles(directory: "/no/such/directory")
        }
        #expect(error?.path == "/no/such/directory")
        #expect(error?.error.code == 2)
    }

    @Test func `an interrupted or a short read changes nothing, and a broken disk is reported`()
        throws
    {
        let root = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: root) }  // Left for the system to clean up.
        try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
        try Data("whole text".utf8).write(to: root.appending(path: "a.txt"))
        let plan = FaultPlan()
        plan.arm(.read, .fails(EINTR))
        plan.arm(.read, .moves(2), nth: 2, times: 3)

        let files = try plan.watching { try StaticFiles(directory: root.path) }

        #expect(body(files, "/a.txt") == "whole text")
        #expect(plan.hitCount == 4)
        #expect(plan.openDescriptorCount == 0)
        for call in [SystemCall.open, .read] {
            plan.disarm()
            plan.arm(call, .fails(EIO))
            let error = #expect(throws: StaticFilesError.self) {
                _ = try plan.watching { try StaticFiles(directory: root.path) }
            }
            #expect(error?.error.code == EIO)
            #expect(plan.openDescriptorCount == 0)
        }
    }
}
