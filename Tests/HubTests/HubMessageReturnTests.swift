import FuzzTargets
import TestSupport
import Testing

@testable import Hub

/// No message is lost or changed between its writer and its reader, in either protocol.
@Suite("Hub messages") struct HubMessageReturnTests {
    @Test(arguments: HubProtocol.allCases, 0..<4)
    func `any message that is written and read is the same`(
        hubProtocol: HubProtocol, seed: Int
    ) {
        var random = SeededGenerator(seed: UInt64(seed) + 11)
        for _ in 0..<500 {
            let message = randomMessage(hubProtocol, using: &random)
            let violation = MessageClaims.violation(returning: message, through: hubProtocol)
            #expect(violation == nil, "\(message)")
        }
    }
}

private func randomMessage(
    _ hubProtocol: HubProtocol, using random: inout SeededGenerator
) -> HubMessage {
    func chance() -> Bool { Bool.random(using: &random) }
    func text() -> String { "t\(UInt16.random(in: 0...9999, using: &random))é\u{1E}\"" }
    func count(_ countMax: Int) -> Int { Int.random(in: 0...countMax, using: &random) }
    let headers = (0..<(chance() ? 0 : count(3))).map { Header("h\($0)" + text(), text()) }
    func value() -> RawValue {
        let value = randomValue(depth: 2, using: &random)
        guard hubProtocol == .json else { return MessagePackVectors.raw(value) }
        var writer = JSONWriter()
        do { try writer.value(value) } catch { return .null }
        return .json(RawJSON(writer))
    }
    func call(id: String?) -> Invocation {
        Invocation(
            target: text(), arguments: (0..<count(10)).map { _ in value() }, invocationID: id,
            headers: headers, streamIDs: (0..<(chance() ? 0 : count(3))).map { _ in text() })
    }
    switch Int.random(in: 1...9, using: &random) {
    case 1: return .invocation(call(id: chance() ? text() : nil))
    case 2: return .streamItem(headers: headers, invocationID: text(), item: value())
    case 3:
        let outcomes: [Completion.Outcome] = [.void, .error(text()), .error(""), .result(value())]
        let outcome = outcomes[Int.random(in: 0..<outcomes.count, using: &random)]
        return .completion(Completion(invocationID: text(), outcome: outcome, headers: headers))
    case 4: return .streamInvocation(call(id: text()))
    case 5: return .cancelInvocation(headers: headers, invocationID: text())
    case 6: return .ping
    case 7: return .close(CloseMessage(error: chance() ? text() : nil, allowReconnect: chance()))
    case 8: return .ack(sequenceID: Int64(bitPattern: random.next()))
    default: return .sequence(sequenceID: Int64(bitPattern: random.next()))
    }
}
