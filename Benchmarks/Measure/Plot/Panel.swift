// Panel: one diagram of a plot: frame, axes and curves.
//
//   title
//   20 ms ┬──────────────────────────┐
//         │                     ╭────│
//    2 ms ┼ · · · · · · ·╭──────╯ · ·│   marks of the y axis become lines across
//         │──────────────╯           │
//         └──────┬──────┬──────┬─────┘
//                50 %   90 %   99 %
//
// Thread: a value.  Allocates: freely.

struct Panel {
    struct Curve {
        /// In the units of the axes.
        var points: [SVG.Point]
        var line: SVG.Line
    }

    let title: String
    let xAxis: Axis
    let yAxis: Axis
    var xLabel = ""
    var curves: [Curve]

    static let leftMargin = 78.0
    static let rightMargin = 24.0
    static let titleHeight = 30.0
    static let bottomMargin = 44.0

    /// Draws into the rectangle from `top` over the whole width.
    func draw(into svg: inout SVG, top: Double, width: Double, height: Double) {
        let frame = Frame(
            left: Self.leftMargin, top: top + Self.titleHeight,
            width: width - Self.leftMargin - Self.rightMargin,
            height: height - Self.titleHeight - Self.bottomMargin)
        svg.text(
            title, at: .init(x: frame.left, y: top + 17), size: 15, color: Palette.text,
            isBold: true)
        drawGrid(into: &svg, frame)
        for curve in curves {
            let points = curve.points.map {
                frame.point(xAxis.place(of: $0.x), yAxis.place(of: $0.y))
            }
            svg.polyline(Self.thinned(points), curve.line)
        }
    }

    private struct Frame {
        let left, top, width, height: Double

        func point(_ x: Double, _ y: Double) -> SVG.Point {
            SVG.Point(x: left + x * width, y: top + (1 - y) * height)
        }
    }

    private func drawGrid(into svg: inout SVG, _ frame: Frame) {
        let grid = SVG.Line(color: Palette.grid)
        for mark in yAxis.marks {
            let left = frame.point(0, mark.place)
            svg.line(left, frame.point(1, mark.place), grid)
            svg.text(
                mark.text, at: .init(x: left.x - 8, y: left.y + 4.5), size: 13,
                color: Palette.faintText, anchor: .end)
        }
        for mark in xAxis.marks {
            let bottom = frame.point(mark.place, 0)
            svg.line(bottom, frame.point(mark.place, 1), grid)
            svg.text(
                mark.text, at: .init(x: bottom.x, y: bottom.y + 19), size: 13,
                color: Palette.faintText, anchor: .middle)
        }
        svg.line(frame.point(0, 0), frame.point(1, 0), SVG.Line(color: Palette.axis))
        svg.text(
            xLabel, at: .init(x: frame.left + frame.width / 2, y: frame.top + frame.height + 38),
            size: 13, color: Palette.faintText, anchor: .middle)
    }

    /// Without points nobody could see: a histogram has thousands within a pixel.
    private static func thinned(_ points: [SVG.Point]) -> [SVG.Point] {
        var kept: [SVG.Point] = []
        for (index, point) in points.enumerated() {
            let isEnd = index == 0 || index == points.count - 1
            let last = kept.last ?? point
            let isFar = max((point.x - last.x).magnitude, (point.y - last.y).magnitude) >= 0.4
            if isEnd || isFar { kept.append(point) }
        }
        return kept
    }
}

/// Colours that are told apart also by who does not see red or green.
/// Source: Okabe and Ito, "Color Universal Design" (2008).
enum Palette {
    static let text = "#1b1f24"
    static let faintText = "#57606a"
    static let axis = "#8c959f"
    static let grid = "#e3e7ec"
    static let background = "#ffffff"
    private static let results = [
        "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8a6d00", "#56b4e9", "#e69f00", "#444444",
    ]

    /// Of the n-th result; after the eighth they begin anew.
    static func result(_ index: Int) -> String { results[index % results.count] }
}
