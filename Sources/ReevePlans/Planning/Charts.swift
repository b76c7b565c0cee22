// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// A small chart of bars and lines as SVG 1.1, without scripts, fonts or references to anything outside.
private struct Chart {
    private static let (width, height, edge) = (640.0, 200.0, 24.0)
    private var parts: [Markup] = []
    private let most: Double
    private let count: Int
    private let title: String

    init(_ title: String, count: Int, most: Int) {
        self.title = title
        self.count = max(1, count)
        self.most = Double(max(1, most))
    }

    private func x(_ index: Double) -> Double {
        Self.edge + index * (Self.width - 2 * Self.edge) / Double(count)
    }

    private func y(_ value: Double) -> Double {
        Self.height - Self.edge - min(max(0, value / most), 1) * (Self.height - 2 * Self.edge)
    }

    private static func text(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(abs(tenths % 10))"
    }

    /// A bar from one value to another, in a part of its place.
    mutating func bar(
        _ index: Int, from low: Int = 0, to high: Int, _ colour: String, part: (Double, Double) = (0.1, 0.9)
    ) {
        let (top, bottom) = (y(Double(high)), y(Double(low)))
        let (left, right) = (x(Double(index) + part.0), x(Double(index) + part.1))
        parts.append(
            .element(
                "rect",
                [
                    "x": Self.text(left), "y": Self.text(top), "width": Self.text(right - left),
                    "height": Self.text(max(0, bottom - top)), "fill": colour,
                ]))
    }

    /// A line across the chart, with what it means.
    mutating func line(_ value: Int, _ label: String, _ colour: String) {
        let height = Self.text(y(Double(value)))
        parts.append(
            .element(
                "line",
                [
                    "x1": Self.text(Self.edge), "y1": height, "x2": Self.text(Self.width - Self.edge), "y2": height,
                    "stroke": colour, "stroke-dasharray": "4 3",
                ]))
        parts.append(
            .element(
                "text", ["x": Self.text(Self.edge), "y": Self.text(y(Double(value)) - 4), "font-size": "11"],
                [.text(label)]))
    }

    /// A word under a place.
    mutating func label(_ index: Int, _ text: String) {
        parts.append(
            .element(
                "text",
                [
                    "x": Self.text(x(Double(index) + 0.5)), "y": Self.text(Self.height - 8), "font-size": "10",
                    "text-anchor": "middle",
                ], [.text(text)]))
    }

    var svg: String {
        let title = Markup.element("title", [:], [.text(self.title)])
        let size = "0 0 \(Int(Self.width)) \(Int(Self.height))"
        return Markup.element(
            "svg",
            [
                "xmlns": "http://www.w3.org/2000/svg", "viewBox": size, "role": "img", "font-family": "sans-serif",
            ], [title] + parts
        ).rendered
    }
}

private enum Colour {
    static let (known, expected, more, limit) = ("#2b6cb0", "#90cdf4", "#f6ad55", "#c53030")
}

extension UsageForecast {
    /// A chart of the period: what was used so far, what is expected day by day, and the limit.
    public var svg: String {
        let end = atEnd?.upperBound ?? used
        var chart = Chart(
            "Tasks used and expected until \(period.end.day)", count: expected.count + 1, most: max(limit, end))
        chart.bar(0, to: used, Colour.known)
        chart.label(0, "so far")
        var sum = used
        for (index, day) in expected.enumerated() {
            chart.bar(index + 1, from: sum, to: sum.saturatingAdd(max(0, day.tasks)), Colour.expected)
            sum = sum.saturatingAdd(max(0, day.tasks))
            // Labels that fit beside each other.
            if index % max(1, expected.count / 8) == 0 { chart.label(index + 1, String(day.day.description.suffix(5))) }
        }
        chart.line(limit, "limit: \(limit)", Colour.limit)
        return chart.svg
    }
}

extension UsageReplay {
    /// A chart of several periods: what would have been admitted in each, and what refused.
    public static func svg(of periods: [UsageReplay]) -> String {
        let most = periods.map { $0.used.saturatingAdd($0.refused) }.max() ?? 0
        var chart = Chart("Tasks by period, and those that would have been refused", count: periods.count, most: most)
        for (index, period) in periods.enumerated() {
            chart.bar(index, to: period.used, Colour.known)
            chart.bar(index, from: period.used, to: period.used.saturatingAdd(period.refused), Colour.more)
            chart.label(index, String(period.period.start.day.description.prefix(7)))
        }
        return chart.svg
    }
}

extension AllocationReview {
    /// A chart of the companies: what each has, needs and would get.
    public var svg: String {
        let most = rows.map { max($0.entitlement, $0.need, $0.proposed) }.max() ?? 0
        var chart = Chart("Tasks that companies have, need and would get", count: rows.count, most: most)
        for (index, row) in rows.enumerated() {
            chart.bar(index, to: row.entitlement, Colour.known, part: (0.1, 0.35))
            chart.bar(index, to: row.need, Colour.more, part: (0.38, 0.62))
            chart.bar(index, to: row.proposed, Colour.expected, part: (0.65, 0.9))
            if rows.count <= 12 { chart.label(index, String(row.company.description.suffix(6))) }
        }
        return chart.svg
    }
}
