// NegotiateAnswer: what a server says to somebody who wants a connection.
//
//   {"negotiateVersion":1,"connectionId":"c","connectionToken":"t","availableTransports":[
//       {"transport":"WebSockets","transferFormats":["Text","Binary"]}]}        a connection
//   {"url":"https://a/b","accessToken":"x"}                                     elsewhere
//   {"error":"…"}                                                               none
//
// Members that are not known may have any shape; null counts as absent.
//
// Thread: a pure value.  Allocates: the texts.
// Source: SignalR TransportProtocols, "POST [endpoint-base]/negotiate".

import Hub

struct NegotiateAnswer: Equatable {
    /// Why an answer cannot be used.
    enum Fault: Error, Equatable, CustomStringConvertible {
        case malformed(JSONError)
        case lacks(member: String)

        var description: String {
            switch self {
            case .malformed(let error): "\(error)"
            case .lacks(let member): "there is no \(member)"
            }
        }
    }

    private struct Transports: Equatable {
        var haveWebSockets = false
        /// A member that one of them should have.
        var lacking: String?
    }

    private(set) var version: Int64 = 0
    private(set) var connectionID: String?
    private(set) var connectionToken: String?
    private(set) var redirection: String?
    private(set) var accessToken: String?
    private(set) var error: String?
    private var transports: Transports?

    /// Whether they carry text, which is all that we speak.
    var offersWebSockets: Bool { transports?.haveWebSockets == true }

    init(_ body: UnsafeRawBufferPointer) throws(Fault) {
        do throws(JSONError) {
            try read(body)
        } catch {
            throw .malformed(error)
        }
        if let member = lacking { throw .lacks(member: member) }
    }

    private mutating func read(_ body: UnsafeRawBufferPointer) throws(JSONError) {
        var scanner = JSONScanner(body)
        try scanner.beginObject()
        while let key = try scanner.nextKey() {
            if scanner.matches(key, "negotiateVersion") {
                version = try scanner.integer()
            } else if scanner.matches(key, "connectionId") {
                connectionID = try scanner.optionalText()
            } else if scanner.matches(key, "connectionToken") {
                connectionToken = try scanner.optionalText()
            } else if scanner.matches(key, "url") {
                redirection = try scanner.optionalText()
            } else if scanner.matches(key, "accessToken") {
                accessToken = try scanner.optionalText()
            } else if scanner.matches(key, "error") {
                error = try scanner.optionalText()
            } else if scanner.matches(key, "availableTransports") {
                transports = try Self.transports(&scanner)
            } else {
                _ = try scanner.skipValue()
            }
        }
        try scanner.end()
    }

    /// What must be there and is not.
    private var lacking: String? {
        if let member = transports?.lacking { return member }
        // Who is sent elsewhere or away gets no connection.
        if redirection != nil || error != nil { return nil }
        if connectionID == nil { return "connectionId" }
        if version > 0, connectionToken == nil { return "connectionToken" }
        return transports == nil ? "availableTransports" : nil
    }

    private static func transports(
        _ scanner: inout JSONScanner
    ) throws(JSONError) -> Transports {
        var transports = Transports()
        try scanner.beginArray()
        while try scanner.nextElement() {
            var (isWebSockets, carriesText): (Bool?, Bool?)
            try scanner.beginObject()
            while let key = try scanner.nextKey() {
                if scanner.matches(key, "transport") {
                    let name = try scanner.string()
                    isWebSockets = scanner.matches(name, "WebSockets")
                } else if scanner.matches(key, "transferFormats") {
                    carriesText = try namesText(&scanner)
                } else {
                    _ = try scanner.skipValue()
                }
            }
            if isWebSockets == nil { transports.lacking = "transport" }
            if carriesText == nil { transports.lacking = "transferFormats" }
            if isWebSockets == true, carriesText == true { transports.haveWebSockets = true }
        }
        return transports
    }

    private static func namesText(_ scanner: inout JSONScanner) throws(JSONError) -> Bool {
        var namesText = false
        try scanner.beginArray()
        while try scanner.nextElement() {
            let format = try scanner.string()
            if scanner.matches(format, "Text") { namesText = true }
        }
        return namesText
    }
}

extension JSONScanner {
    /// Null counts as absent.
    mutating func optionalText() throws(JSONError) -> String? {
        if try peekKind() == .null {
            try null()
            return nil
        }
        let string = try string()
        return text(of: string)
    }
}
