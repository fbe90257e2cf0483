// MediaType: whether a body says it is JSON.
//
// Thread: a pure function.  Source: RFC 9110 §8.3.1; RFC 6838 §4.2.8 (`+json`).

enum MediaType {
    /// `application/json` or `application/…+json`, in any case, with or without parameters.
    static func isJSON(_ contentType: String?) -> Bool {
        guard let contentType else { return false }
        let type = SettingValue.trimmed(String(contentType.prefix { $0 != ";" })).lowercased()
        return type == "application/json"
            || type.hasPrefix("application/") && type.hasSuffix("+json")
    }
}
