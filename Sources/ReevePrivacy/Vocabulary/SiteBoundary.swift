// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Where the holder's own sites end: beyond them others' policies hold, and who leaves is told so (clause P3.1).
public struct SiteBoundary: Hashable, Sendable, Codable {
    /// The hosts of the holder's sites, in lower case; each with all below it.
    public let hosts: Set<String>

    /// A boundary around hosts, such as `example.com`; what begins or ends with a dot is left out.
    public init(_ hosts: Set<String>) {
        // One without a name would be the end of every other.
        self.hosts = Set(
            hosts.map { $0.lowercased() }.filter { !$0.isEmpty && !$0.hasPrefix(".") && !$0.hasSuffix(".") })
    }

    /// Reads hosts.
    public init(from decoder: any Decoder) throws {
        self.init(try Set<String>(from: decoder))
    }

    /// Writes the hosts, in order.
    public func encode(to encoder: any Encoder) throws {
        try hosts.sorted().encode(to: encoder)
    }

    /// What is due before a visitor follows a link: ``Duty/noticeLeaving`` where it leads to somebody else, or where nobody can tell; nothing for a link within, as one
    /// without a host. Whatever is collected there is ``DataOrigin/external``, and no rule of the policy speaks of it.
    public func duties(following link: String) -> [Duty] {
        let address = link.utf8.prefix { $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") }
        guard address.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") })
        else { return [.noticeLeaving] }
        let path = String(decoding: address, as: UTF8.self)
        let rest: Substring
        if let scheme = path.firstRange(of: "://") {
            guard ["http", "https"].contains(path[..<scheme.lowerBound].lowercased()) else { return [.noticeLeaving] }
            rest = path[scheme.upperBound...]
        } else if path.hasPrefix("//") {
            rest = path.dropFirst(2)
        } else {
            // A path; anything with a colon before its first slash is another scheme.
            let first = path.prefix { $0 != "/" }
            return first.contains(":") ? [.noticeLeaving] : []
        }
        let authority = rest.prefix { $0 != "/" }
        // Who is named before an `@` is not who is asked.
        var host = String(authority.split(separator: "@", omittingEmptySubsequences: false).last ?? "").lowercased()
        if let colon = host.lastIndex(of: ":"), host[host.index(after: colon)...].allSatisfy(\.isNumber) {
            host = String(host[..<colon])
        }
        if host.hasSuffix(".") { host.removeLast() }
        // What is no host name leads nobody can tell where.
        guard
            host.utf8.allSatisfy({
                (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D || $0 == 0x2E
            })
        else { return [.noticeLeaving] }
        let isOwn = hosts.contains { host == $0 || host.hasSuffix("." + $0) }
        return isOwn ? [] : [.noticeLeaving]
    }
}
