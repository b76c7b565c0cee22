// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// What a name says about the value that it is given: `api_key`, `asanaClientSecret`, `X-Auth-Token`.
struct SecretName {
    /// How likely a secret is under it.
    enum Kind { case password, secret, none }

    let kind: Kind
    /// Its words in lower case, and each two of them as one.
    let words: [String]

    /// Whether it may speak of a provider's key: of a secret, or of nothing else besides the provider.
    let mayBeProviders: Bool

    /// Whether a name could say anything. Complexity: O(bytes).
    static func mayTell(_ name: some RandomAccessCollection<UInt8>) -> Bool {
        TextWords.contains(in: name) { marks.contains($0) } || TextWords.holds("password", in: name)
    }

    private static let marks = WordSet(passwords.union(secrets).union(ProviderWords.all).union(["key"]))

    /// What a name says; a member of an object that is called only `key` says nothing.
    init(_ name: some Sequence<UInt8>, isMember: Bool = false) {
        let name = Array(name)
        // Most names say nothing.
        guard Self.mayTell(name) else {
            (words, kind, mayBeProviders) = ([], .none, false)
            return
        }
        let words = TextWords.of(name)
        let set = Set(words)
        let triples = zip(words, zip(words.dropFirst(), words.dropFirst(2))).map { $0 + $1.0 + $1.1 }
        self.words = words + zip(words, words.dropFirst()).map { $0 + $1 } + triples
        let pairs = Set(self.words)
        let isPassword = words.last.map { Self.passwords.contains($0) || $0.hasSuffix("password") } ?? false
        if !isPassword, !set.isDisjoint(with: Self.notSecret) || Self.about.contains(words.last ?? "") {
            kind = .none
        } else if !pairs.isDisjoint(with: Self.passwords) || words.contains(where: { $0.hasSuffix("password") }) {
            kind = .password
        } else if !pairs.isDisjoint(with: Self.secrets)
            || set.contains("key")
                && (words.count == 1 && !isMember || !set.isDisjoint(with: Self.keyWords)
                    || ProviderWords.isProvider(words))
        {
            kind = .secret
        } else {
            kind = .none
        }
        // `discord_client_id` is one, `github_commit_sha` is not.
        let others = set.filter { !ProviderWords.isProvider([$0]) && !Self.plain.contains($0) }
        let isIdentifier = words.last == "id" && set.isDisjoint(with: ["client", "access", "app"])
        mayBeProviders =
            ProviderWords.isProvider(self.words)
            && (kind != .none
                || !isIdentifier
                    && others.allSatisfy { word in
                        pairs.contains { $0 != word && $0.contains(word) && ProviderWords.isProvider([$0]) }
                    })
    }

    /// Words that say nothing beside a provider.
    private static let plain: Set<String> = [
        "client", "id", "user", "app", "api", "my", "access", "service", "bot", "personal", "live", "test", "prod",
        "production", "dev", "staging", "env", "var", "let", "const", "string", "config", "new",
        "key", "token", "secret", "s", "the", "public", "private", "pub", "export", "set", "val", "value",
    ]

    private static let passwords: Set<String> = [
        "pass", "pw", "kennwort", "senha", "wachtwoord", "lösenord",
        "password", "passwd", "passwort", "pwd", "passphrase", "passcode", "contraseña", "motdepasse", "userpassword",
        "dbpassword",
    ]
    private static let secrets: Set<String> = [
        "secret", "secrets", "token", "credential", "credentials", "creds", "apikey", "apitoken", "accesskey",
        "accesstoken", "secretkey", "privatekey", "authtoken", "auth", "apiaccess", "authorization", "bearer",
        "clientsecret", "signingkey", "encryptionkey", "accountkey", "sharedaccesskey", "sig", "apisecret",
        "pat", "sas", "cookie", "sessionid",
    ]
    /// Words beside `key` by which it is one of a lock.
    private static let keyWords: Set<String> = [
        "api", "access", "private", "secret", "auth", "signing", "encryption", "license", "subscription", "account",
        "storage", "shared", "master", "consumer", "client", "app", "service", "admin", "deploy",
        "jwt", "functions", "function", "webhook", "integration", "security", "server", "hmac", "aes", "ssh", "account",
    ]
    /// What makes a name one of something else.
    private static let notSecret: Set<String> = [
        "public", "monkey", "author", "keyword", "keywords", "foreign", "primary", "csrf", "nextpage", "page",
        "pagination", "cursor", "continuation", "max", "tokenizer", "authors", "cache", "partition", "sort", "row",
        "object",
    ]
    /// Last words by which a name is about a secret and holds none.
    private static let about: Set<String> = [
        "name", "type", "url", "uri", "path", "file", "count", "length", "size", "field", "label", "hint", "expires",
        "expiry", "at", "version", "format", "header", "prefix", "status", "mode", "method", "policy", "provider",
        "placeholder", "description", "usage", "message", "text", "question", "reset", "help", "error", "days", "scope",
        "scopes", "level", "rule", "endpoint", "title", "id", "ids",
        "variable",
    ]
}
