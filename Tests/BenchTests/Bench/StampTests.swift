import Testing

@testable import bench

@Suite struct StampTests {
    private func read(_ text: String) -> Stamp? { Array(text.utf8).withUnsafeBytes { Stamp($0) } }

    @Test(arguments: [(UInt64(0), UInt32(0)), (1, 9), (18_446_744_073, 4_294_967_295)])
    func `a stamp is read as it was written, whatever follows`(due: UInt64, sequence: UInt32) {
        let stamp = Stamp(dueNanoseconds: due, sequence: sequence)

        #expect(read(stamp.text) == stamp)
        #expect(read(stamp.text + "xx\"") == stamp)
    }

    @Test func `every prefix of a stamp is none`() {
        let text = Stamp(dueNanoseconds: 123_456, sequence: 78).text

        for count in 0..<text.utf8.count { #expect(read(String(text.prefix(count))) == nil) }
    }

    @Test(arguments: [":1:", "1::", "a1:2:", "1:2x", "1:4294967296:"])
    func `anything else is no stamp`(text: String) { #expect(read(text) == nil) }

    @Test(arguments: [BroadcastRecord.byteCountMin, 97, 200, 4096])
    func `a broadcast has exactly the size asked for, and is a record`(byteCount: Int) throws {
        let record = BroadcastRecord(byteCount: byteCount, target: "Broadcast")
        for stamp in [
            Stamp(dueNanoseconds: 0, sequence: 0), Stamp(dueNanoseconds: .max, sequence: .max),
        ] {
            let bytes = record.bytes(stamp)
            #expect(bytes.count == byteCount)
            #expect(bytes.last == HubRecords.separator)
            let members = Array(bytes.dropLast()).withUnsafeBytes { HubRecords.members($0) }
            #expect(members?.type == 1)
            #expect(members?.target == "Broadcast")
        }
    }
}
