// HubParameters: from what a client has sent to the parameters of a Swift closure.
//
//   arguments [ 7, "x" ]  streams [ s ]        (call, a: Int, items: HubUpload<Int>, b: String)
//               │    └──────────────────────────────────────────────────────────────┘
//               └──────────── a        s ───── items
//
// Thread: a value of one call.  Allocates: what decoding does.

/// What the parameters of a method take, each in its order.
struct HubParameters {
    private let call: HubCall
    private var argumentIndex = 0
    private var uploadIndex = 0

    private init(_ call: HubCall) { self.call = call }

    static func decode<each Parameter: Decodable>(
        _ types: repeat (each Parameter).Type, of call: HubCall
    ) throws(BindingFailure) -> (repeat each Parameter) {
        var parameters = HubParameters(call)
        return (repeat try parameters.next(each types))
    }

    private mutating func next<Parameter: Decodable>(
        _ type: Parameter.Type
    ) throws(BindingFailure) -> Parameter {
        if let uploadType = type as? any UploadParameter.Type {
            defer { uploadIndex += 1 }
            guard let upload = uploadType.init(reading: call.uploads[uploadIndex]) as? Parameter
            else { preconditionFailure("a type makes values of its own") }
            return upload
        }
        defer { argumentIndex += 1 }
        return try call.arguments[argumentIndex].decode()
    }

    /// How many of the types stand for arguments, and how many for uploads.
    static func count<each Parameter>(
        _ types: repeat (each Parameter).Type
    ) -> (arguments: Int, uploads: Int) {
        var counts = (arguments: 0, uploads: 0)
        for type in repeat each types {
            if type is any UploadParameter.Type {
                counts.uploads += 1
            } else {
                counts.arguments += 1
            }
        }
        return counts
    }
}
