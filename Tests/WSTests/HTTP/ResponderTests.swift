import Loop
import Synchronization
import Testing

@testable import WS

@Suite struct ResponderTests {
    private final class Posted: Sendable {
        let replies = Mutex<[Reply]>([])
        var statuses: [HTTPStatus] { replies.withLock { $0.map(\.response.status) } }
    }

    private func makeSlot(_ posted: Posted) -> (ReplySlot, ReplyChannel) {
        let channel = ReplyChannel { reply in posted.replies.withLock { $0.append(reply) } }
        let slot = ReplySlot(
            token: EventToken(index: 1, generation: 2), sequence: 3, channel: channel)
        return (slot, channel)
    }

    @Test func `an answer given inside the handler takes no mailbox`() {
        let posted = Posted()
        let (slot, _) = makeSlot(posted)
        Responder(slot).respond(Response(.created))
        #expect(slot.handlerReturned()?.status == .created)
        #expect(posted.statuses == [])
    }

    @Test func `an answer given later is posted with its connection and request`() {
        let posted = Posted()
        let (slot, _) = makeSlot(posted)
        #expect(slot.handlerReturned()?.status == nil)
        Responder(slot).respond(Response(.ok))
        #expect(posted.statuses == [.ok])
        #expect(posted.replies.withLock { $0[0].sequence } == 3)
        #expect(posted.replies.withLock { $0[0].token } == EventToken(index: 1, generation: 2))
    }

    @Test func `only the first answer counts, the others are counted`() {
        let posted = Posted()
        let (inside, insideChannel) = makeSlot(posted)
        Responder(inside).respond(Response(.ok))
        Responder(inside).respond(Response(.notFound))
        #expect(inside.handlerReturned()?.status == .ok)
        Responder(inside).respond(Response(.notFound))
        #expect(insideChannel.duplicateCount.load(ordering: .relaxed) == 2)

        let (later, laterChannel) = makeSlot(posted)
        _ = later.handlerReturned()
        Responder(later).respond(Response(.ok))
        Responder(later).respond(Response(.notFound))
        #expect(laterChannel.duplicateCount.load(ordering: .relaxed) == 1)
        #expect(posted.statuses == [.ok])
    }

    @Test func `a request that everybody has forgotten is answered with 500`() {
        let posted = Posted()
        do {
            let (slot, _) = makeSlot(posted)
            _ = slot.handlerReturned()
            #expect(posted.statuses == [])
        }
        #expect(posted.statuses == [.internalServerError])
    }

    @Test func `a responder for tests hands the answer to its closure`() {
        let posted = Posted()
        let responder = Responder { response in
            posted.replies.withLock {
                $0.append(Reply(token: EventToken(rawValue: 0), sequence: 0, response: response))
            }
        }
        responder.respond(Response(.accepted))
        #expect(posted.statuses == [.accepted])
    }
}
