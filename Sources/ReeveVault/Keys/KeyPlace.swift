// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReeveStorage

/// What a key of the hierarchy is for: an environment, a connection, the job data of one hour, or a blind index.
struct KeyPlace: Hashable, Sendable {
    enum Level: String, Sendable, CaseIterable {
        case environment, connection, hour, index

        /// Those under an environment's key.
        static let below: [Level] = [.connection, .hour, .index]
    }
    enum Leaf: Hashable, Sendable {
        case environment
        case connection(Identifier<Connection>)
        /// Hours since 1970.
        case hour(Int64)
        /// By what is indexed.
        case index(String)
    }

    /// The hours that a key of the store may name: until the year 3110.
    static let hours: ClosedRange<Int64> = 0...9_999_999

    let context: MainKeyContext
    let leaf: Leaf

    init(_ context: MainKeyContext, _ leaf: Leaf = .environment) {
        self.context = context
        self.leaf = leaf
    }

    var level: Level {
        switch leaf {
        case .environment: .environment
        case .connection: .connection
        case .hour: .hour
        case .index: .index
        }
    }

    /// The key above: the environment's; `nil` for an environment's own, which is under a main key.
    var parent: KeyPlace? { leaf == .environment ? nil : KeyPlace(context) }

    var partition: Partition { Partition(context.workspace) }

    /// What a wrapped key below an environment's is for, by where it is stored.
    init?(_ key: Key, under prefix: Key, _ context: MainKeyContext, _ level: Level) {
        // A text: its tag, its bytes, and zero.
        let rest = key.bytes.dropFirst(prefix.bytes.count + 1)
        guard key.bytes.starts(with: prefix.bytes), let end = rest.firstIndex(of: 0) else { return nil }
        let leaf = rest[..<end]
        switch level {
        case .environment: return nil
        case .connection:
            guard let id = Identifier<Connection>(utf8: leaf) else { return nil }
            self.init(context, .connection(id))
        case .hour:
            guard let hour = Int64(String(decoding: leaf, as: UTF8.self)), Self.hours.contains(hour),
                Self.digits(hour).utf8.elementsEqual(leaf)
            else { return nil }
            self.init(context, .hour(hour))
        case .index:
            guard let field = String(validating: leaf, as: UTF8.self) else { return nil }
            self.init(context, .index(field))
        }
    }

    /// The ids of its records, below the workspace.
    var ids: [String] { [context.environment.rawValue, level.rawValue] + (leafText.map { [$0] } ?? []) }

    /// What the ledger and the audit trail call it.
    var name: String { (["vault", context.workspace.description] + ids).joined(separator: "/") }

    private var leafText: String? {
        switch leaf {
        case .environment: nil
        case .connection(let id): id.description
        case .hour(let hour): Self.digits(hour)
        case .index(let field): field
        }
    }

    /// A number whose texts are ordered as the numbers are.
    static func digits(_ number: Int64) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, 10 - text.utf8.count)) + text
    }

    /// Adds what the key is for to what is authenticated.
    func add(to encoding: inout CanonicalBytes) {
        encoding.add(level.rawValue)
        encoding.add(context.workspace)
        encoding.add(context.environment.rawValue)
        switch leaf {
        case .environment: encoding.add(nil as String?)
        case .connection(let id): encoding.add(id)
        case .hour(let hour): encoding.add(hour)
        case .index(let field): encoding.add(field)
        }
    }
}
