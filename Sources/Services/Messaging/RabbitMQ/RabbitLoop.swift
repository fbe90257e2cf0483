// RabbitLoop: everything of the RabbitMQ bus that lives on its loop.
//
//   RabbitCommand ─▶ RabbitLoop ─┬─▶ RabbitPublisher ─▶ RabbitLink
//                                └─▶ RabbitConsumers ─▶ RabbitLink
//
// Thread: one loop.  Allocates: never by itself.

import Loop

final class RabbitLoop {
    private let publisher: RabbitPublisher
    private let consumers: RabbitConsumers
    private let publishLink: RabbitLink
    private let consumeLink: RabbitLink
    #if CRASH_POINTS
        var ownMailbox: Mailbox<RabbitCommand>?
    #endif

    init(
        reactor: Reactor, endpoints: [Endpoint], options: AMQPOptions, settings: RabbitSettings,
        status: LinkStatus, random: any RandomSource
    ) {
        func link(_ name: String) -> RabbitLink {
            RabbitLink(
                reactor: reactor, endpoints: endpoints, options: options, settings: settings,
                name: name, random: random)
        }
        publishLink = link("contoso publish")
        consumeLink = link("contoso consume")
        publisher = RabbitPublisher(link: publishLink)
        consumers = RabbitConsumers(link: consumeLink, windowCount: settings.windowCount)
        for link in [publishLink, consumeLink] {
            link.onChange = { [unowned self, unowned reactor] in report(to: status, reactor) }
        }
        // The other one waits for its first consumer: not every service has one.
        publishLink.start()
    }

    func receive(_ command: RabbitCommand) {
        switch command {
        case .publish(let request):
            publisher.publish(request)
            #if CRASH_POINTS
                reportWritten(request)
            #endif
        case .depth(let request): publisher.depth(request)
        case .connect(let request): publisher.connect(request)
        case .consume(let feed): consumers.consume(feed)
        case .settle(let feed, let tags): consumers.settle(tags, of: feed)
        case .close(let feed): consumers.close(feed)
        #if CRASH_POINTS
            case .written(let request): request.written.give(.success(()))
        #endif
        }
    }

    #if CRASH_POINTS
        private func reportWritten(_ request: PublishRequest) {
            guard publishLink.isReady else { return request.written.fail("no link") }
            // The next tick: by then the flush of this one has given the bytes to the kernel.
            ownMailbox?.post(.written(request))
        }
    #endif

    private func report(to status: LinkStatus, _ reactor: Reactor) {
        let used = [publishLink, consumeLink].filter(\.isStarted)
        if used.allSatisfy(\.isReady) {
            status.wentUp()
        } else {
            status.wentDown(at: reactor.time.monotonicNow)
        }
    }
}

@available(*, unavailable)
extension RabbitLoop: Sendable {}
