// HubValue+MessagePack: a value from MessagePack bytes and as MessagePack bytes.
//
//   92 01 CA 3F C0 00 00 ⇄ .array([.integer(1), .float(1.5)])
//
//   timestamp   D6 FF  seconds:32                          extension −1, in three widths
//               D7 FF  nanoseconds:30 seconds:34
//               C7 0C FF  nanoseconds:32 seconds:64
//
// Thread: pure functions.  Allocates: what the value needs; writing, when the bytes grow.
// Source: MessagePack specification, "Formats", "Timestamp extension type".

extension MessagePackReader {
    /// The next value, all of it. Maps must have strings for keys.
    ///
    /// - Parameter depth: arrays and maps that are open around it.
    mutating func value(depth: Int = 0) throws(MessagePackError) -> HubValue {
        switch try peekKind() {
        case .nil:
            offset += 1
            return .null
        case .bool: return .bool(try bool())
        case .integer:
            switch try number() {
            case .integer(let value): return .integer(value)
            case .unsigned(let value): return .unsigned(value)
            }
        case .float:
            let isDouble = bytes[offset] == 0xCB
            let value = try double()
            return isDouble ? .double(value) : .float(Float(value))
        case .string: return .string(try string())
        case .binary: return .binary(Array(try binary()))
        case .extension: return .timestamp(try timestamp())
        case .array:
            if depth >= depthMax { throw error(.tooDeep) }
            let count = try array()
            var items: [HubValue] = []
            // The header has been compared with the bytes left.
            items.reserveCapacity(count)
            for _ in 0..<count { items.append(try value(depth: depth + 1)) }
            return .array(items)
        case .map:
            if depth >= depthMax { throw error(.tooDeep) }
            let count = try map()
            var members: [HubValue.Member] = []
            members.reserveCapacity(count)
            for _ in 0..<count {
                guard try peekKind() == .string else { throw error(.keyIsNotText) }
                let name = try string()
                members.append(HubValue.Member(name, try value(depth: depth + 1)))
            }
            return .map(members)
        }
    }

    /// Extension −1.
    mutating func timestamp() throws(MessagePackError) -> HubTimestamp {
        let start = offset
        let content = try payload(of: .extension)
        // The type and the content; an extension has at least the former.
        let type = Int8(bitPattern: content[0])
        let (nanoseconds, seconds): (UInt64, Int64)
        func number<T: FixedWidthInteger>(at index: Int, as: T.Type) -> T {
            T(bigEndian: content.loadUnaligned(fromByteOffset: index, as: T.self))
        }
        switch (type, content.count) {
        case (-1, 5): (nanoseconds, seconds) = (0, Int64(number(at: 1, as: UInt32.self)))
        case (-1, 9):
            let word = number(at: 1, as: UInt64.self)
            (nanoseconds, seconds) = (word >> 34, Int64(word & (1 << 34 - 1)))
        case (-1, 13):
            nanoseconds = UInt64(number(at: 1, as: UInt32.self))
            seconds = number(at: 5, as: Int64.self)
        default:
            offset = start
            throw error(type == -1 ? .malformedTimestamp : .unknownExtension(type: type))
        }
        guard nanoseconds <= UInt64(HubTimestamp.nanosecondsMax) else {
            offset = start
            throw error(.malformedTimestamp)
        }
        return HubTimestamp(seconds: seconds, nanoseconds: UInt32(nanoseconds))
    }
}

extension MessagePackWriter {
    /// - Throws: for a value deeper than readers go; what is written by then is no MessagePack.
    public mutating func value(_ value: HubValue) throws(HubValueError) {
        try self.value(value, depth: 0)
    }

    private mutating func value(_ value: HubValue, depth: Int) throws(HubValueError) {
        switch value {
        case .null: self.nil()
        case .bool(let value): bool(value)
        case .integer(let value): integer(value)
        case .unsigned(let value): unsigned(value)
        case .float(let value): float(value)
        case .double(let value): double(value)
        case .string(let text): string(text)
        case .binary(let content): binary(content)
        case .timestamp(let moment): timestamp(moment)
        case .array(let items):
            if depth == HubValue.depthMax { throw .tooDeep }
            array(count: items.count)
            for item in items { try self.value(item, depth: depth + 1) }
        case .map(let members):
            if depth == HubValue.depthMax { throw .tooDeep }
            map(count: members.count)
            for member in members {
                string(member.name)
                try self.value(member.value, depth: depth + 1)
            }
        }
    }
}
