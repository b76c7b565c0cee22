// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import ReeveModel
import ReevePublishing
import ReeveTesting
import Testing

/// Files that refer to each other.
@Suite struct PackageTests {
    private static func recipe(_ text: String, connection: String, _ zipName: String) -> String {
        #"{"name":"R","code":{"keyword":"trigger","provider":"crm","input":{"to":"\#(text)"}},"config":[{"keyword":"application","provider":"crm","account_id":{"zip_name":"\#(zipName)","name":"\#(connection)","folder":"Connections"}}]}"#
    }
    private static func connection(_ name: String) -> String {
        #"{"name":"\#(name)","provider":"crm","root_folder":false}"#
    }

    private func package(_ files: [(String, String)]) throws -> [PackageFile] {
        try files.map { path, text in
            let bytes = Array(text.utf8)
            return PackageFile(path: path, bytes: bytes, format: try #require(RecipeFormat.recognize(bytes)))
        }
    }

    private func scrub(_ files: [(String, String)]) throws -> PackageReport {
        Scrubber().scrub(try package(files), for: .publicLibrary)
    }

    private static let files = [
        (
            "Recipes/b.recipe.json",
            recipe("kim@acme.com, dana@acme.com", connection: "Dana's CRM", "Connections/dana_s_crm.connection.json")
        ),
        ("Connections/dana_s_crm.connection.json", connection("Dana's CRM")),
        (
            "Recipes/a dana@acme.com.recipe.json",
            recipe("dana@acme.com", connection: "Mail of Lee", "Connections/mail_of_lee.connection.json")
        ),
        ("Connections/mail_of_lee.connection.json", connection("Mail of Lee")),
    ]

    /// One value, one stand-in, in all files and in their names; what refers to a file still does.
    @Test func allFilesAgree() throws {
        let report = try scrub(Self.files)
        let recipes = try #require(report.recipes)
        let texts = recipes.map { String(decoding: $0.recipe.bytes, as: UTF8.self) }
        #expect(
            recipes.map(\.path) == [
                "Recipes/b.recipe.json", "Connections/connection_1.connection.json",
                "Recipes/a user1@example.com.recipe.json", "Connections/connection_2.connection.json",
            ])
        #expect(texts[0].contains("user2@example.com, user1@example.com"))
        #expect(texts[0].contains(#""zip_name":"Connections/connection_1.connection.json","name":"Connection 1""#))
        #expect(texts[1].contains(#""name":"Connection 1""#) && texts[3].contains(#""name":"Connection 2""#))
        #expect(texts[2].contains("user1@example.com") && texts[2].contains("connection_2.connection.json"))
        // The order in which they are given is no matter, and a second scrub changes nothing.
        let turned = try scrub(Self.files.reversed())
        #expect(try #require(turned.recipes).map(\.recipe.bytes) == recipes.map(\.recipe.bytes).reversed())
        let again = Scrubber().scrub(
            zip(recipes, try package(Self.files)).map {
                PackageFile(path: $0.path, bytes: $0.recipe.bytes, format: $1.format)
            }, for: .publicLibrary)
        #expect(again.files.map(\.path) == recipes.map(\.path))
        #expect(again.files.allSatisfy { $0.report.findings.isEmpty && $0.report.dropped.isEmpty })
    }

    /// A value that goes in one file may not stand in another one, in any writing.
    @Test func whatGoesInOneFileMayNotStandInAnother() throws {
        let hex = "64616e612e776869746669656c644061636d652d636f72702e696f"
        let report = try scrub([
            ("a.recipe.json", Self.recipe("dana.whitfield@acme-corp.io", connection: "C", "C.connection.json")),
            ("b.recipe.json", Self.recipe("see \(hex)", connection: "C", "C.connection.json")),
        ])
        #expect(report.recipes == nil)
        guard case .publishable = report.files[0].report.verdict,
            case .blocked(.survivor) = report.files[1].report.verdict
        else {
            Issue.record("a copy was published")
            return
        }
    }

    /// A stand-in that stands in any of the files is given to nobody.
    @Test func standInsOfAnyFileAreSkipped() throws {
        let report = try scrub([
            ("a.recipe.json", Self.recipe("dana@acme.com", connection: "A", "a.connection.json")),
            (
                "b.recipe.json",
                Self.recipe("user1@example.com", connection: "Connection 1", "connection_1.connection.json")
            ),
        ])
        let recipes = try #require(report.recipes)
        let first = String(decoding: recipes[0].recipe.bytes, as: UTF8.self)
        #expect(first.contains("user2@example.com") && first.contains("Connection 2"))
    }

    /// Two files of one name, and a name that a person must decide about, are not published; the others are told what they are.
    @Test func namesThatCannotBeMadeBlock() throws {
        let report = try scrub([
            ("Connections/a-b.connection.json", Self.connection("A")),
            ("Connections/a_b.connection.json", Self.connection("B")),
            ("c.recipe.json", Self.recipe("x", connection: "C", "C.connection.json")),
        ])
        #expect(report.recipes == nil)
        for (file, isBlocked) in zip(report.files, [true, true, false]) {
            if case .blocked(.fileName) = file.report.verdict { #expect(isBlocked) } else { #expect(!isBlocked) }
        }
        let broken = Scrubber().scrub(
            [PackageFile(path: "x/jo@acme.com.json", bytes: Array("{".utf8), format: .plainJSON)], for: .publicLibrary)
        guard case .blocked(.malformed) = broken.files[0].report.verdict else {
            Issue.record("a broken file")
            return
        }
        #expect(broken.files[0].path == "x/user1@example.com.json")
        #expect(Scrubber().scrub([], for: .publicLibrary).recipes?.isEmpty == true)
    }

    /// A manifest names the files as they are called afterwards, however its texts are written.
    @Test func theManifestNamesTheFiles() throws {
        let manifest =
            #"{"export_manifest":{"name":"For dana@acme.com","folder_id":77,"assets":[{"id":1,"name":"Dana's CRM","type":"connection","checked":true,"version":1,"folder":"Connections","absolute_path":"All projects/Connections","zip_name":"Connections\/dana_s_crm.connecti\u006fn.json"},{"id":2,"name":"R","type":"recipe","zip_name":"Recipes/a dana@acme.com.recipe.json"},{"type":"connection","zip_name":"Connections/mail_of_lee.connection.json"}]}}"#
        let report = try scrub(Self.files + [("manifest.json", manifest)])
        let recipes = try #require(report.recipes)
        let text = String(decoding: try #require(recipes.last).recipe.bytes, as: UTF8.self)
        #expect(
            text
                == #"{"export_manifest":{"name":"For user1@example.com","folder_id":0,"assets":[{"id":0,"name":"","type":"connection","checked":true,"version":1,"folder":"Connections","absolute_path":"All projects/Connections","zip_name":"Connections\/connection_1.connecti\u006fn.json"},{"id":0,"name":"","type":"recipe","zip_name":"Recipes/a user1@example.com.recipe.json"},{"type":"connection","zip_name":"Connections/connection_2.connection.json"}]}}"#
        )
        let again = try scrub(recipes.map { ($0.path, String(decoding: $0.recipe.bytes, as: UTF8.self)) })
        #expect(try #require(again.recipes).map(\.recipe.bytes) == recipes.map(\.recipe.bytes))
        #expect(again.files.map(\.report.findings.isEmpty) == Array(repeating: true, count: 5))
    }

    /// What goes in a file is in no path either, however it is written there.
    @Test func whatGoesIsInNoPath() throws {
        let hex = Array("dana@acme.com".utf8).map { String($0, radix: 16) }.joined()
        let recipe = Self.recipe("dana@acme.com", connection: "C", "C.connection.json")
        let report = try scrub([
            ("a.recipe.json", recipe), ("\(hex).recipe.json", Self.recipe("x", connection: "C", "C.connection.json")),
        ])
        guard case .blocked(.fileName) = report.files[1].report.verdict else {
            Issue.record("a path in another writing")
            return
        }
        #expect(report.files[0].path == "a.recipe.json")
        // Also what no rule would find in it: an id that goes.
        let workflow =
            #"{"name":"W","nodes":[{"name":"A","type":"t","webhookId":"hook-of-the-team","parameters":{}}],"connections":{}}"#
        let named = try scrub([
            ("w.json", workflow),
            ("hook-of-the-team.recipe.json", Self.recipe("x", connection: "C", "C.connection.json")),
        ])
        guard case .blocked(.fileName) = named.files[1].report.verdict else {
            Issue.record("an id in a path")
            return
        }
        // A stand-in in a path is taken.
        let taken = try #require(try scrub([("user1@example.com.recipe.json", recipe)]).recipes)
        #expect(String(decoding: taken[0].recipe.bytes, as: UTF8.self).contains("user2@example.com"))
    }

    /// What some file system takes for the same file, or for a folder of another one, is not published.
    @Test(arguments: [
        ["a.json", "A.json"], ["\u{E9}.json", "e\u{301}.json"], ["a", "a/b.json"], ["A/b", "a"], ["ß.json", "SS.json"],
    ])
    func filesOfOneNameBlock(_ paths: [String]) {
        func files(_ paths: [String]) -> [PackageFile] {
            paths.map { PackageFile(path: $0, bytes: Array("[]".utf8), format: .plainJSON) }
        }
        #expect(Scrubber().scrub(files(paths), for: .publicLibrary).recipes == nil)
        #expect(Scrubber().scrub(files(["x/a.json", "x/b.json", "y/a.json"]), for: .publicLibrary).recipes?.count == 3)
    }

    /// A manifest lists the names of recipes: that is no reason to take them out of the recipes themselves.
    @Test func namesInAManifestAreNoIDs() throws {
        let recipe =
            #"{"name":"Sync new contacts","description":"Sync new contacts daily","code":{"keyword":"trigger"},"config":[]}"#
        let manifest =
            #"{"assets":[{"id":123456789012345,"name":"Sync new contacts","type":"recipe","absolute_path":"All projects/Sync new contacts","zip_name":"Sync new contacts.recipe.json"}]}"#
        let recipes = try #require(
            try scrub([("Sync new contacts.recipe.json", recipe), ("manifest.json", manifest)]).recipes)
        #expect(recipes[0].path == "Sync new contacts.recipe.json")
        #expect(String(decoding: recipes[0].recipe.bytes, as: UTF8.self) == recipe)
        let text = String(decoding: recipes[1].recipe.bytes, as: UTF8.self)
        #expect(text.contains(#""name":"","type""#) && text.contains(#""zip_name":"Sync new contacts.recipe.json""#))
        #expect(text.contains(#""absolute_path":"All projects/Sync new contacts""#))
    }

    /// The file of a connection is named nowhere as it was: alone it is renamed, within other text it blocks.
    @Test func connectionFilesAreNamedNowhere() throws {
        let connection = ("Connections/dana_s_crm.CONNECTION.JSON", Self.connection("Dana's CRM"))
        func recipe(_ text: String, _ key: String = "input") -> String {
            #"{"name":"R","code":{"keyword":"trigger","\#(key)":{"m":"\#(text)"}},"config":[{"provider":"crm","account_id":{"zip_name":"Connections/dana_s_crm.connection.json","name":"Dana's CRM"}}]}"#
        }
        for key in ["input", "comment"] {
            for name in ["Connections/dana_s_crm.connection.json", "Connections/dana_s_crm.connecti\\u006fn.json"] {
                let recipes = try #require(try scrub([connection, ("r.recipe.json", recipe(name, key))]).recipes)
                #expect(recipes.map(\.path) == ["Connections/connection_1.CONNECTION.JSON", "r.recipe.json"])
                #expect(!String(decoding: recipes[1].recipe.bytes, as: UTF8.self).contains("dana"))
            }
        }
        for text in [
            "see dana_s_crm.connection.json ", "a dana_s_crm.connection.json b", "a dana_s_crm.connecti\\u006fn.json b",
            "dana-s.connection.json.bak",
        ] {
            #expect(try scrub([connection, ("r.recipe.json", recipe(text))]).recipes == nil, "\(text)")
        }
        #expect(try scrub([connection, ("r.recipe.json", recipe("see connection_1.connection.json"))]).recipes != nil)
        // The name and the file of a connection are one, however the exporter writes signs.
        let signs = try #require(try scrub([("dana_crm_eu.connection.json", Self.connection("Dana CRM (EU)"))]).recipes)
        #expect(signs[0].path == "connection_1.connection.json")
        #expect(String(decoding: signs[0].recipe.bytes, as: UTF8.self).contains("Connection 1"))
    }

    /// A path is written to by whoever takes the package: it stays inside, and is one everywhere.
    @Test(arguments: [
        "", "/", "/etc/passwd", "a//b.json", "a/", "..", "../a.json", "a/../../b.json", "./a.json", "a/.",
        "a\\..\\b.json", "a\0.json",
        "a\n.json", "...", "C:\\a.json", "C:evil.json", "x.json:hidden", "CON", "nul.json", "COM1.recipe.json", "lpt9",
        ".. /a.json", "a.json.", "a.json ", " a.json", "a?.json", "a*.json", "a|b", "a<b", "\"a\"", "..\u{200B}/a.json",
        "\u{FEFF}../x", "．．/a.json", "a\u{2215}b", "a\u{2044}b", "a\u{202E}b", "a\u{85}b", "a\u{2028}b", ".git/hooks/x",
        "~/a.json", String(repeating: "a", count: 256), "ZGFuYS53aGl0ZmllbGRAYWNtZS1jb3JwLmlv.json",
        "dana.whitfield@acme/-corp.io.json", "4539/1488/0343/6467", "x.connection.json.bak",
        "see dana_crm.connection.json.recipe.json",
    ])
    func pathsStayInside(_ path: String) {
        let report = Scrubber().scrub(
            [PackageFile(path: path, bytes: Array("[]".utf8), format: .plainJSON)], for: .publicLibrary)
        guard case .blocked(.fileName) = report.files[0].report.verdict else {
            Issue.record("\(path.debugDescription)")
            return
        }
        #expect(report.files[0].path == "(not shown)")
        #expect(report.recipes == nil)
    }
}
