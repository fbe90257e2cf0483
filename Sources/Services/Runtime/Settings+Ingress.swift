// Settings+Ingress: the rows of the table that are about what stands in front of us.
//
// Thread: constants.

import Loop
import WS

extension Settings {
    static let ingress: [Setting] = [
        Setting(
            "ingress.trusted", "LIST", default: "none",
            "Networks of the proxies in front, such as 10.0.0.0/8, loopback, private; none: no proxy"
        ) { text, configuration throws(SettingValueError) in
            guard let proxies = text == "none" ? TrustedNetworks.none : TrustedNetworks(text) else {
                throw SettingValueError(
                    "write networks such as 10.0.0.0/8 or fd00::/8 without bits behind the prefix, "
                        + "loopback, private, or none")
            }
            configuration.ingress.proxies = proxies
        },
        Setting(
            "ingress.headers", "LIST", default: "x-forwarded-for,x-forwarded-proto",
            "Headers these proxies set: x-forwarded-for, x-forwarded-proto, x-forwarded-host; or "
                + "forwarded"
        ) { text, configuration throws(SettingValueError) in
            let names = SettingValue.list(text.lowercased())
            let headers = names.compactMap(Ingress.Header.init(rawValue:))
            guard !headers.isEmpty, headers.count == names.count,
                headers.count == 1 || !headers.contains(.forwarded)
            else {
                throw SettingValueError(
                    "write one or more of x-forwarded-for,x-forwarded-proto,x-forwarded-host, or "
                        + "forwarded alone")
            }
            configuration.ingress.headers = Set(headers)
        },
        .duration(
            "ingress.proxy-header-timeout", \.proxyHeaderTimeout,
            in: .milliseconds(100)...(.seconds(60)), default: "5s",
            "Time from the accept to the end of the PROXY header"),
        Setting(
            "proxy-protocol", "LIST", default: "none",
            "Listeners that take connections of those proxies only, each with a PROXY header: http, "
                + "https; none"
        ) { text, configuration throws(SettingValueError) in
            let names = text == "none" ? [] : SettingValue.list(text)
            guard names.allSatisfy({ $0 == "http" || $0 == "https" }),
                !names.isEmpty || text == "none"
            else { throw SettingValueError("write http, https, both, or none") }
            configuration.proxiedListeners = Set(names)
        },
        Setting(
            "base-path", "PATH", default: "/",
            "Path below which the world knows us; the ingress may take it off or leave it on"
        ) { text, configuration throws(SettingValueError) in
            configuration.ingress.basePath = try basePath(text)
        },
        Setting(
            "identity-header", "NAME", default: nil,
            "Header in which the ingress names the user it has authenticated; default: tokens only"
        ) { text, configuration throws(SettingValueError) in
            guard text.isEmpty || text.utf8.allSatisfy(isNameByte) else {
                throw SettingValueError("write the name of a header, such as X-Auth-User")
            }
            configuration.identityHeader = text.isEmpty ? nil : text
        },
    ]

    /// First segments of paths of our own: below such a base path nobody could tell the two apart.
    private static let ownSegments: Set<Substring> = ["api", "hubs", "dev", "health", "healthz"]

    /// Empty for "/"; else without a slash at the end.
    private static func basePath(_ text: String) throws(SettingValueError) -> String {
        if text == "/" { return "" }
        let path = text.hasSuffix("/") ? text.dropLast() : text[...]
        let segments = path.split(separator: "/", omittingEmptySubsequences: false)
        guard segments.count >= 2, segments[0].isEmpty,
            segments.dropFirst().allSatisfy({ segment in
                !segment.isEmpty && segment != "." && segment != ".."
                    && segment.utf8.allSatisfy(isNameByte)
            })
        else {
            throw SettingValueError(
                "write a path of letters, digits, - . _ and ~, such as /shop, or /")
        }
        guard !ownSegments.contains(segments[1].lowercased()[...]) else {
            throw SettingValueError("write one that does not begin with a path of our own")
        }
        return String(path)
    }

    /// `unreserved` of RFC 3986 §2.3; all of them may stand in the name of a header too.
    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "_"), UInt8(ascii: "~"):
            true
        default: false
        }
    }
}
