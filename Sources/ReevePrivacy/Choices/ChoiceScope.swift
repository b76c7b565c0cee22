// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// What a choice is about: `nil` is everything of a dimension.
///
/// A choice is about whole requests: who asks about several categories at once is answered for all of them together.
public struct ChoiceScope: Hashable, Sendable, Codable {
    /// Categories, each with all below it.
    public var categories: Set<DataCategory>?
    /// Purposes, each with all below it.
    public var purposes: Set<Purpose>?
    /// What is done.
    public var operations: Set<UseOperation>?
    /// Who would see it.
    public var recipients: Set<Recipient.Kind>?
    /// Recipients by name.
    public var named: Set<String>?
    /// The very things it is about, such as testimonials.
    public var items: Set<String>?

    /// A scope; with nothing said it is about everything.
    public init(
        _ operations: Set<UseOperation>? = nil, of categories: Set<DataCategory>? = nil,
        for purposes: Set<Purpose>? = nil,
        to recipients: Set<Recipient.Kind>? = nil, named: Set<String>? = nil, items: Set<String>? = nil
    ) {
        self.operations = operations
        self.categories = categories
        self.purposes = purposes
        self.recipients = recipients
        self.named = named
        self.items = items
    }

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case categories, purposes, operations, recipients, named, items
    }

    /// Reads a scope; a member that is not known is an error, since it may narrow it.
    public init(from decoder: any Decoder) throws {
        try decoder.refuseMembers(otherThan: CodingKeys.self)
        let container = try decoder.container(keyedBy: CodingKeys.self)
        categories = try container.decodeIfPresent(Set<DataCategory>.self, forKey: .categories)
        purposes = try container.decodeIfPresent(Set<Purpose>.self, forKey: .purposes)
        operations = try container.decodeIfPresent(Set<UseOperation>.self, forKey: .operations)
        recipients = try container.decodeIfPresent(Set<Recipient.Kind>.self, forKey: .recipients)
        named = try container.decodeIfPresent(Set<String>.self, forKey: .named)
        items = try container.decodeIfPresent(Set<String>.self, forKey: .items)
    }

    /// Writes the scope, each set in order.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(sorted: categories, forKey: .categories)
        try container.encode(sorted: purposes, forKey: .purposes)
        try container.encode(sorted: operations, forKey: .operations)
        try container.encode(sorted: recipients, forKey: .recipients)
        try container.encode(sorted: named, forKey: .named)
        try container.encode(sorted: items, forKey: .items)
    }

    /// Whether this scope says something in every dimension in which another does: then it is no more general than that one.
    func isAsSpecific(as other: ChoiceScope) -> Bool {
        (categories != nil || other.categories == nil) && (purposes != nil || other.purposes == nil)
            && (operations != nil || other.operations == nil) && (recipients != nil || other.recipients == nil)
            && (named != nil || other.named == nil) && (items != nil || other.items == nil)
    }

    /// Whether both have something in common.
    func overlaps(_ other: ChoiceScope) -> Bool {
        func meet<Value>(_ left: Set<Value>?, _ right: Set<Value>?, _ overlaps: (Value, Value) -> Bool) -> Bool {
            guard let left, let right else { return left?.isEmpty != true && right?.isEmpty != true }
            return left.contains { one in right.contains { overlaps(one, $0) } }
        }
        return meet(categories, other.categories) { $0.overlaps($1) }
            && meet(purposes, other.purposes) { $0.overlaps($1) }
            && meet(operations, other.operations, ==) && meet(recipients, other.recipients, ==)
            && meet(named, other.named, ==) && meet(items, other.items, ==)
    }

    /// Whether all that a request asks lies in the scope.
    func contains(_ request: UseRequest) -> Bool {
        guard operations?.contains(request.operation) ?? true, recipients?.contains(request.recipient.kind) ?? true,
            named.map({ names in request.recipient.name.map(names.contains) ?? false }) ?? true,
            items.map({ items in request.item.map(items.contains) ?? false }) ?? true,
            purposes?.contains(where: { $0.contains(request.purpose) }) ?? true
        else { return false }
        guard let categories else { return true }
        return request.data.categories.allSatisfy { one in categories.contains { $0.contains(one) } }
    }

    /// Whether a part of what a request asks may lie in the scope: a recipient without a name may be any.
    func overlaps(_ request: UseRequest) -> Bool {
        // Neither the holder nor everybody is one of several.
        let mayBeNamed = request.recipient.kind != .own && request.recipient.kind != .everyone
        guard operations?.contains(request.operation) ?? true, recipients?.contains(request.recipient.kind) ?? true,
            named.map({ names in request.recipient.name.map(names.contains) ?? (mayBeNamed && !names.isEmpty) })
                ?? true,
            items.map({ items in request.item.map(items.contains) ?? !items.isEmpty }) ?? true,
            purposes?.contains(where: { $0.overlaps(request.purpose) }) ?? true
        else { return false }
        guard let categories else { return true }
        return request.data.categories.contains { one in categories.contains { $0.overlaps(one) } }
    }
}

extension ChoiceScope: CustomStringConvertible, CustomReflectable {
    /// What it is about, in order; of recipients and things with a name how many, and not which, since they may be persons'.
    public var description: String {
        let parts = [
            (operations?.map(\.rawValue), "operations"), (categories?.map(\.description), "categories"),
            (purposes?.map(\.description), "purposes"), (recipients?.map(\.rawValue), "recipients"),
        ].compactMap { values, name in values.map { "\(name): \($0.sorted().joined(separator: ", "))" } }
        let counts = [(named, "named"), (items, "items")].compactMap { set, name in set.map { "\(name): \($0.count)" } }
        let all = parts + counts
        return all.isEmpty ? "everything" : all.joined(separator: "; ")
    }
    /// What it is about.
    public var customMirror: Mirror { Mirror(self, children: ["scope": description]) }
}
