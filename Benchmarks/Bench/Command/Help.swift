// Help: what `bench --help` prints.
//
// Thread: any.  Allocates: never.

enum Help {
    static let text = """
        usage: bench [flags]                      a run; without --url on servers it starts itself
               bench compare BEFORE AFTER         what has changed, and how sure that is
               bench plot RESULT                  pictures

        what
          --scenario NAME       connect-storm    open as fast as possible
                                storm            the same while others are served
                                idle-hold        stay, and answer pings
                                echo             messages that come back
                                fan-out          one message to everybody, one server
                                backplane        the same through Redis, several servers
                                order            POST to push
                                slow-readers     some do not read; the others must not notice
                                tls-resumption   full against resumed handshakes
                                default: backplane; with --url idle-hold, with --publish fan-out
          -c, --connections N   default 100
          -R, --rate RATE       messages per second, 20, 0.5/s, 30/m, or max: as many as fit
          -d, --duration TIME   of the measured time, such as 500ms, 60s or 10m
          --warm-up TIME        load before it, default 1s
          --ramp RATE           connections begun per second; default: --opening at a time
          --opening N           connections being opened at one time, default 64
          --bytes N             of a message, default 200 for broadcasts and 64 for echoes
          --window N            broadcasts under way with --rate max, default 2
          --slow SHARE          of slow readers, default 10%
          --newcomers N         of a storm, default 10000; --connections are those served
          --echo raw|hub        a bare WebSocket, or a hub method; default raw
          --method NAME         the hub method that echoes, default Echo
          --target NAME         the client method of broadcasts, default Broadcast
          --publish WAY         redis://HOST:PORT or invoke:METHOD
          --channel NAME        the channel of Redis, default that of contoso's hub

        against whom
          --url URL             ws, wss, http or https; several: the connections take turns
          --hub-path PATH       where a URL has none, default /hubs/order-status
          --skip-negotiation    a WebSocket at once
          -H, --header LINE     NAME: VALUE, for every request
          -k, --insecure        trust any certificate
          --ca FILE             trust these, PEM
          --token TOKEN         for all connections
          --token-secret TEXT   HS256 tokens, one user per connection
          --users N             so many users instead
          --issuer, --audience  of those tokens
          --server-pid PID      measure this process; may be given again
          --pods N              started by bench; default 3 for backplane, else 1
          --plain               without TLS
          --floor               the same against the raw C server, for ratios

        by whom
          --processes N         default: one per 18,000 connections; in a storm two
          --pin                 servers bench starts on core 0, the load on the others
          --source NETWORK      source addresses, default 127.0.0.0/8 where the target is loopback

        result
          --output text|json    default text; the progress goes to stderr
          --threshold TEXT      such as fanout.p99<25ms; a broken one is exit code 99
          --hdr-log FILE        histograms per second, for plotters
          --keep DIR            result files
          --quiet               no progress

        exit codes: 0 done, 1 could not be done, 2 wrong command line, 99 a threshold is broken
        """
}
