// StaticFiles: a directory served from memory.
//
// Everything is read once at the start, so a request touches no disk, and a path can only name what
// was found then: `..` leads nowhere.
//
//   /assets/app.js ─▶ the file                      /orders/7 ─▶ index.html (a route of the page)
//   /assets/none.js ─▶ 404 (it has a dot)           /api/none ─▶ 404 (reserved)
//
// Thread: init where it may block; then a value for any thread.  Allocates: once per file.
// Source: RFC 9110 §8.8.3 (ETag), §13.1.2 (If-None-Match); RFC 9111 §5.2.2.4.

import COpenSSL
import Glibc
import Loop

/// Why a directory cannot be served.
public struct StaticFilesError: Error, Sendable, CustomStringConvertible {
    public let path: String
    public let error: SystemError

    public var description: String { "cannot serve \(path): \(error)" }
}

/// The files of one directory and those below it.
public struct StaticFiles: Sendable {
    private struct File: Sendable {
        let body: [UInt8]
        let contentType: StaticString
        /// With its quotes.
        let entityTag: String
    }

    private var files: [[UInt8]: File] = [:]
    private let reservedPrefixes: [String]
    private let basePath: [UInt8]

    /// Directories nested deeper are not read; a link that loops ends there too.
    private static let depthMax = 16

    /// Reads all files below `directory`; those whose name begins with a dot are left out.
    ///
    /// - Parameters:
    ///   - reservedPrefixes: paths below these are never answered with index.html.
    ///   - basePath: put in front of the addresses in HTML files that begin with a slash; empty, or
    ///     "/shop".
    public init(
        directory: String, reservedPrefixes: [String] = ["/api", "/hubs", "/health", "/dev"],
        basePath: String = ""
    ) throws(StaticFilesError) {
        self.reservedPrefixes = reservedPrefixes
        self.basePath = Array(basePath.utf8)
        try read(directory, below: "/", depth: 0)
    }

    public var fileCount: Int { files.count }

    // MARK: Answering

    /// The answer; nil if there is nothing of that name.
    public func response(to request: Request) -> Response? {
        guard let file = find(request) else { return nil }
        guard request.method == .get || request.method == .head else {
            var response = Response(.methodNotAllowed)
            response.add("Allow", "GET, HEAD")
            return response
        }
        let isFresh =
            request.header(.ifNoneMatch).map { Self.lists(file.entityTag, in: $0) } ?? false
        var response =
            isFresh
            ? Response(.notModified)
            : Response(.ok, contentType: file.contentType, body: file.body)
        response.add("ETag", file.entityTag)
        // The names carry no version, so a browser asks each time, and is answered with 304.
        response.add("Cache-Control", "no-cache")
        response.add("X-Content-Type-Options", "nosniff")
        return response
    }

    private func find(_ request: Request) -> File? {
        let path = PercentEncoding.decodePath(request.pathBytes)
        if let file = files[path] { return file }
        if path.last == .slash, let file = files[path + Array("index.html".utf8)] { return file }
        let name = path.suffix(while: { $0 != .slash })
        let isPageRoute =
            !name.contains(0x2E) && !reservedPrefixes.contains { request.isBelow($0) }
            && (request.method == .get || request.method == .head)
        return isPageRoute ? files[Array("/index.html".utf8)] : nil
    }

    /// Weak comparison, as If-None-Match wants it (RFC 9110 §13.1.2).
    private static func lists(_ entityTag: String, in field: String) -> Bool {
        for element in field.split(separator: ",") {
            let tag = element.drop { $0 == " " || $0 == "\t" }
            let strong = tag.hasPrefix("W/") ? tag.dropFirst(2) : tag
            let end = strong.lastIndex { $0 != " " && $0 != "\t" }
            guard let end else { continue }
            if strong[...end] == entityTag || strong[...end] == "*" { return true }
        }
        return false
    }

    // MARK: Reading

    private mutating func read(
        _ directory: String, below prefix: String, depth: Int
    ) throws(StaticFilesError) {
        guard let stream = opendir(directory) else {
            throw StaticFilesError(
                path: directory, error: SystemError(code: errno, call: "opendir"))
        }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasPrefix(".") { continue }
            let path = directory + "/" + name
            var status = stat()
            guard stat(path, &status) == 0 else {
                throw StaticFilesError(path: path, error: SystemError(code: errno, call: "stat"))
            }
            if status.st_mode & S_IFMT == S_IFDIR {
                if depth < Self.depthMax {
                    try read(path, below: prefix + name + "/", depth: depth + 1)
                }
            } else if status.st_mode & S_IFMT == S_IFREG {
                let contents = try Self.contents(of: path)
                let body = name.hasSuffix(".html") ? rebased(contents) : contents
                files[Array((prefix + name).utf8)] = File(
                    body: body, contentType: Self.contentType(of: name),
                    entityTag: Self.entityTag(of: body))
            }
        }
    }

    /// The page with the base path in front of attributes such as `href="/style.css"`; those of other
    /// hosts, `href="//cdn.example"`, stay as they are.
    private func rebased(_ page: [UInt8]) -> [UInt8] {
        let mark = Array("=\"".utf8)
        var rebased: [UInt8] = []
        rebased.reserveCapacity(page.count + 16 * basePath.count)
        for (index, byte) in page.enumerated() {
            if byte == .slash, rebased.suffix(mark.count).elementsEqual(mark),
                index + 1 < page.count, page[index + 1] != .slash
            {
                rebased += basePath
            }
            rebased.append(byte)
        }
        return rebased
    }

    private static func contents(of path: String) throws(StaticFilesError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw StaticFilesError(path: path, error: SystemError(code: errno, call: "open"))
        }
        defer { close(descriptor) }
        var contents: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = Glibc.read(descriptor, &piece, piece.count)
            if count == 0 { return contents }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                throw StaticFilesError(path: path, error: SystemError(code: errno, call: "read"))
            }
            contents += piece[..<count]
        }
    }

    /// The first half of the SHA-256 of the contents: equal on every server with the same files.
    private static func entityTag(of body: [UInt8]) -> String {
        var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
        SHA256(body, body.count, &digest)
        var tag = "\""
        for byte in digest.prefix(16) {
            tag += String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }
        return tag + "\""
    }

    private static func contentType(of name: String) -> StaticString {
        switch name.split(separator: ".").last.map({ $0.lowercased() }) {
        case "html": "text/html; charset=utf-8"
        case "js", "mjs": "text/javascript; charset=utf-8"
        case "css": "text/css; charset=utf-8"
        case "json", "map": "application/json; charset=utf-8"
        case "webmanifest": "application/manifest+json"
        case "txt": "text/plain; charset=utf-8"
        case "svg": "image/svg+xml"
        case "png": "image/png"
        case "jpg", "jpeg": "image/jpeg"
        case "gif": "image/gif"
        case "webp": "image/webp"
        case "ico": "image/x-icon"
        case "woff2": "font/woff2"
        case "wasm": "application/wasm"
        default: "application/octet-stream"
        }
    }
}

extension [UInt8] {
    /// The longest end of the array whose elements all satisfy `predicate`.
    fileprivate func suffix(while predicate: (UInt8) -> Bool) -> ArraySlice<UInt8> {
        var start = endIndex
        while start > startIndex && predicate(self[start - 1]) { start -= 1 }
        return self[start...]
    }
}
