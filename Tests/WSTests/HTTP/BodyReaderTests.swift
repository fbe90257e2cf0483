import Testing

@testable import WS

@Suite struct BodyReaderTests {
    private let limits = HTTPLimits()

    private func take(_ reader: inout BodyReader, _ text: String) throws(HTTPError) -> Int {
        let bytes = Array(text.utf8)
        return try reader.take(bytes)
    }

    @Test func `a body of known length takes what is its own, at every split`() throws {
        let text = Array("hello, GET".utf8)
        for split in 0...text.count {
            var reader = try BodyReader(.length(5), byteCountMax: 5, limits: limits)
            let first = try reader.take(Array(text[..<split]))
            #expect(first == min(5, split))
            #expect(reader.isComplete == (split >= 5))
            _ = try reader.take(Array(text[first...]))
            #expect(reader.isComplete)
            #expect(reader.bytes == Array("hello".utf8))
        }
    }

    @Test func `a length above the limit is refused from the head alone`() {
        for (count, isRefused) in [(9, false), (10, false), (11, true), (Int.max, true)] {
            var error: HTTPError?
            do throws(HTTPError) {
                _ = try BodyReader(.length(count), byteCountMax: 10, limits: limits)
            } catch let caught {
                error = caught
            }
            #expect(error == (isRefused ? .bodyTooLarge : nil))
        }
    }

    @Test func `a huge length sets no memory aside`() throws {
        let reader = try BodyReader(.length(1 << 40), byteCountMax: .max, limits: limits)
        #expect(reader.bytes.capacity < 1 << 20)
    }

    @Test func `a body below the rate is refused at the end of its window`() throws {
        let needed = limits.bodyByteCountPerWindow
        #expect(needed == 1200)
        for (count, isRefused) in [(needed - 1, true), (needed, false), (needed + 1, false)] {
            var reader = try BodyReader(.length(1 << 20), byteCountMax: 1 << 20, limits: limits)
            _ = try reader.take([UInt8](repeating: 0, count: count))
            var error: HTTPError?
            do throws(HTTPError) { try reader.windowEnded() } catch let caught { error = caught }
            #expect(error == (isRefused ? .bodyTooSlow : nil))
        }
    }

    @Test func `a fast start does not pay for a drip later`() throws {
        var reader = try BodyReader(.length(1 << 20), byteCountMax: 1 << 20, limits: limits)
        _ = try reader.take([UInt8](repeating: 0, count: 1 << 19))
        try reader.windowEnded()
        _ = try reader.take([0])
        #expect(throws: HTTPError.bodyTooSlow) { try reader.windowEnded() }
    }

    @Test func `a chunked body counts its raw bytes as progress`() throws {
        var reader = try BodyReader(.chunked, byteCountMax: 100, limits: limits)
        let consumed = try take(&reader, "3\r\nabc\r\n0\r\n\r\nrest")
        #expect(consumed == 13)
        #expect(reader.isComplete)
        #expect(reader.bytes == Array("abc".utf8))
    }
}

extension BodyReader {
    fileprivate mutating func take(_ bytes: [UInt8]) throws(HTTPError) -> Int {
        var result: Result<Int, HTTPError> = .success(0)
        bytes.withUnsafeBytes { input in
            do throws(HTTPError) {
                result = .success(try take(input))
            } catch {
                result = .failure(error)
            }
        }
        return try result.get()
    }
}
