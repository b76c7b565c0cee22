// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// What a plan or a package costs. Nothing in Reeve charges it: a host that does reads it from the plan in force.
public struct Price: Hashable, Sendable, Codable {
    /// For each period.
    public var perPeriod: Money
    /// Once, when it begins; `nil` for nothing.
    public var setUp: Money?
    /// For each thousand tasks beyond the limit, where a company may go beyond it; `nil` for nothing.
    public var perThousandOver: Money?

    /// A price, by default without anything beside the periods'.
    public init(perPeriod: Money, setUp: Money? = nil, perThousandOver: Money? = nil) {
        self.perPeriod = perPeriod
        self.setUp = setUp
        self.perThousandOver = perThousandOver
    }

    /// All defects, each as a line; empty when there is none.
    public func validate() -> [String] {
        let amounts = [perPeriod, setUp, perThousandOver].compactMap(\.self)
        var defects: [String] = []
        if Set(amounts.map(\.currency)).count > 1 { defects.append("a price must be in one currency") }
        if amounts.contains(where: { !(0...PlanRoom.maximumCount).contains($0.minorUnits) }) {
            defects.append("an amount must be 0 to 10^12 of the smallest unit")
        }
        return defects
    }
}

/// Everything that a company may be asked to pay under its plan, and what it gets for that.
public struct Charges: Hashable, Sendable, Codable {
    /// The price; `nil` when nothing costs anything.
    public var price: Price?
    /// Tasks in one period that it covers.
    public var tasksPerPeriod: Int
    /// Tasks beyond them that may be used, at the price for those; 0 unless that was agreed.
    public var mostTasksOver: Int

    /// Charges; by default none.
    public init(price: Price? = nil, tasksPerPeriod: Int, mostTasksOver: Int = 0) {
        self.price = price
        self.tasksPerPeriod = tasksPerPeriod
        self.mostTasksOver = mostTasksOver
    }

    /// Nothing, for nothing.
    static let none = Charges(tasksPerPeriod: 0)

    /// Whether nobody can be asked for money under them.
    public var isFree: Bool {
        guard let price else { return true }
        return price.perPeriod.minorUnits == 0 && (price.setUp?.minorUnits ?? 0) == 0 && cost(of: limit) == 0
    }

    /// Tasks that may be used in a period altogether.
    var limit: Int {
        PlanRoom.clamped(tasksPerPeriod) + PlanRoom.clamped(mostTasksOver)
    }

    func with(tasks: Int) -> Charges {
        Charges(price: price, tasksPerPeriod: tasks, mostTasksOver: mostTasksOver)
    }

    /// What a period costs in which so many tasks are used, in thousandths of the smallest unit.
    fileprivate func cost(of tasks: Int) -> Int128 {
        guard let price else { return 0 }
        let over = max(0, min(tasks, limit) - PlanRoom.clamped(tasksPerPeriod))
        let (period, more) = (price.perPeriod.minorUnits, price.perThousandOver?.minorUnits ?? 0)
        return 1000 * Int128(PlanRoom.clamped(Int(period))) + Int128(over) * Int128(PlanRoom.clamped(Int(more)))
    }
}

/// What a change does to what a company may be asked to pay.
public enum PriceImpact: String, Hashable, Sendable, Codable, CaseIterable {
    /// The same.
    case none
    /// Nothing costs more, and something less.
    case decrease
    /// Something costs more, or each task of fewer does.
    case increase
    /// Some costs more and some less, or the currency is another one.
    case incomparable

    /// Whether the change needs the company's approval (clauses S4.3, S4.4).
    public var needsApproval: Bool { self == .increase || self == .incomparable }

    /// The impact of going from some charges to others.
    ///
    /// They are compared for every number of tasks that a period may have: where one of them costs more, or the most that can be asked
    /// rises, or each of fewer tasks costs more, it is an increase. What is asked once is asked again with every other price.
    public static func between(_ before: Charges, _ after: Charges) -> PriceImpact {
        if after.isFree { return before.isFree ? .none : .decrease }
        if before.isFree { return .increase }
        guard before.price?.perPeriod.currency == after.price?.perPeriod.currency else { return .incomparable }
        // Both are straight between these.
        let most = min(before.limit, after.limit)
        let tasks = [0, before.tasksPerPeriod, after.tasksPerPeriod, most].filter { $0 <= most }
        let costs = tasks.map { (before: before.cost(of: $0), after: after.cost(of: $0)) }
        let (old, new) = (before.cost(of: before.limit), after.cost(of: after.limit))
        let asksAgain = after.price != before.price && (after.price?.setUp?.minorUnits ?? 0) > 0
        // Fewer tasks for less is a smaller plan, unless each of them costs more.
        let isDearer =
            after.tasksPerPeriod < before.tasksPerPeriod
            && after.cost(of: 0) * Int128(PlanRoom.clamped(before.tasksPerPeriod))
                > before.cost(of: 0) * Int128(PlanRoom.clamped(after.tasksPerPeriod))
        let rises = asksAgain || isDearer || costs.contains { $0.after > $0.before } || new > old
        let falls = costs.contains { $0.after < $0.before } || new < old || after.tasksPerPeriod > before.tasksPerPeriod
        return switch (rises, falls) {
        case (false, false): .none
        case (false, true): .decrease
        case (true, false): .increase
        case (true, true): .incomparable
        }
    }
}
