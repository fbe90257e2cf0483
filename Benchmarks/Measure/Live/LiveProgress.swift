// LiveProgress: shows RunProgress while a run lasts.
//
//   terminal   the block is drawn over the one before: cursor up n lines, erase to the end
//   otherwise  a line each time
//   quiet      nothing
//
// Thread: one.  Allocates: the text; called once a second.
// Source: ECMA-48 §8.3.22 (CUU), §8.3.39 (ED); man 2 ioctl_tty (TIOCGWINSZ).

import Glibc

public struct LiveProgress: ~Copyable {
    public enum Style: Equatable, Sendable { case block, lines, quiet }

    /// Of a terminal that does not say.
    public static let widthDefault = 80

    private let style: Style
    private let descriptor: Int32
    /// Lines of the block that is on the terminal now.
    private var drawnLineCount = 0
    /// The width they were drawn for.
    private var drawnWidth = 0

    /// - Parameter descriptor: where it is shown; not closed. Standard error leaves standard output
    ///   to the result.
    public init(style: Style, descriptor: Int32 = STDERR_FILENO) {
        self.style = style
        self.descriptor = descriptor
    }

    /// What suits a descriptor: a terminal that understands cursor movement gets the block.
    public static func style(quiet: Bool, descriptor: Int32 = STDERR_FILENO) -> Style {
        if quiet { return .quiet }
        guard isatty(descriptor) == 1, let terminal = getenv("TERM") else { return .lines }
        return strcmp(terminal, "dumb") == 0 ? .lines : .block
    }

    public mutating func show(_ progress: RunProgress) {
        switch style {
        case .quiet: break
        case .lines: write(progress.line + "\n")
        case .block:
            let width = Self.width(of: descriptor)
            let lines = progress.block(width: width)
            write(Self.redraw(lines, over: drawnLineCount, drawnAt: drawnWidth, width: width))
            drawnLineCount = lines.count
            drawnWidth = width
        }
    }

    /// Takes the block away: the report follows in its place. Lines stay.
    public mutating func end() {
        guard drawnLineCount > 0 else { return }
        write(Self.redraw([], over: drawnLineCount, drawnAt: drawnWidth, width: drawnWidth))
        drawnLineCount = 0
    }

    /// The bytes that put `lines` in the place of the last ones. After a terminal has become
    /// narrower its old lines take more rows than we know: they stay, and the block begins anew.
    static func redraw(
        _ lines: [String], over drawnLineCount: Int, drawnAt drawnWidth: Int, width: Int
    ) -> String {
        let isReflowed = width < drawnWidth
        let back = drawnLineCount > 0 && !isReflowed ? "\u{1B}[\(drawnLineCount)A\r\u{1B}[J" : ""
        return back + lines.map { $0 + "\n" }.joined()
    }

    private static func width(of descriptor: Int32) -> Int {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else {
            return widthDefault
        }
        // A line as wide as the terminal would leave the cursor in the next row on some of them.
        return Int(size.ws_col) - 1
    }

    /// What cannot be shown is not worth ending a run for.
    private func write(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while !rest.isEmpty {
                let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return }
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            }
        }
    }
}
