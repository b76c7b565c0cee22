// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReeveTesting
import Testing

@testable import ReevePublishing

/// Secrets by the names that they are given to. The values are made up.
@Suite struct SecretTests {
    /// All of it goes, or a person decides; nothing is published.
    @Test(arguments: [
        ("password=Tr0ub4dor&3xyz9", "3xyz9"), ("password: \"Tr0ub4dor)3xyz9\"", "3xyz9"),
        ("password=Tr0ub4dor,3xyz9", "3xyz9"), ("pwd: 'Tr0ub4dor`3xyz9'", "3xyz9"),
        ("password=\"Tr0ub<4dor>3xyz9\"", "3xyz9"),
        ("postgres://app:S3cr3t/xyz9@db.internal.net/x", "xyz9"), ("https://u:$3cretPw9@h.acme.org", "3cretPw9"),
        ("https://q7Wm2xK9pL4vB8nT3zR6@github.com/x", "q7Wm2x"), ("password = \"a b c Tr0ub4dor\"", "Tr0ub"),
        ("Authorization: ApiKey q7Wm2xK9pL4vB8nT3zR6", "q7Wm2x"),
        ("Authorization: SSWS q7Wm2xK9pL4vB8nT3zR6", "q7Wm2x"), ("Bearer\tq7Wm2xK9pL4vB8nT3zR6", "q7Wm2x"),
        ("https://api.telegram.org/bot123456789:AAq7Wm2xK9pL4vB8nT3zR6q7Wm2xK9pL4v8/getMe", "q7Wm2x"),
        (
            "https://discord.com/api/v10/webhooks/123456789012345678/q7Wm2xK9pL4vB8nT3zR6q7Wm2xK9pL4vB8nT3zR6q7Wm2xK9pL4vB8nT3zR6abcdefg1",
            "q7Wm2x"
        ),
        ("https://www.workato.com/webhooks/rest/9f86d081-884c-4d63-a1b2-0123456789ab/new", "884c"),
        ("DB_PASS=s3cr3tW0rdx", "s3cr3t"), ("PGPASSWORD=hunter2xyz9", "hunter2"), ("Kennwort: hunter2xyz9", "hunter2"),
        ("contraseña: hunter2xyz9", "hunter2"),
        ("mot de passe : hunter2xyz9", "hunter2"), ("psql --password hunter2xyz9 x", "hunter2"),
        ("<add key=\"Password\" value=\"hunter2xyz9\"/>", "hunter2"), ("Server=db;Uid=sa;Pwd=Hx9k47;", "Hx9k47"),
        ("tvly-q7Wm2xK9pL4vB8nT3zR6", "q7Wm2x"),
        ("AccountKey=q7Wm2xK9pL4vB8nT3zR6q7Wm2xK9pL4vB8nT3zR6abcd==;EndpointSuffix=core.windows.net", "q7Wm2x"),
        ("api-key: q7Wm2xK9pL4vB8nT3zR6", "q7Wm2x"), ("?api_key=q7Wm2xK9pL4vB8nT3zR6&x=1", "q7Wm2x"),
        ("AKIAQ3EG\nRZ7VXK2MDWPL", "RZ7VXK"),
        (
            "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nPrivate-Lines: 1\nAAAAIq7Wm2xK9pL4vB8nT3zR6",
            "AAAAIq7"
        ), ("-----BEGIN RSA PRIVATE KEY----\nMIIEow9sK2mQ4xT7\n-----END RSA PRIVATE KEY-----", "MIIEow"),
        ("pw=S3cret99x", "S3cret"),
        ("curl -u'dana:hunterfoo' https://api.acme.com", "hunterfoo"), ("Postcode\tEC2A1NT", "EC2A1NT"),
        ("Contact:\u{A0}Jennifer Martinez", "Martinez"), ("/Users/Ömer.Yilmaz/x", "Yilmaz"),
        (
            "https://contoso.webhook.office.com/webhookb2/7f3b2c1d-9e8f-4a6b-8c5d-2e1f0b9d7c6e@3d5f7b9c-1e2d-4f6b-9c8d-0e7f6b5d4c3e/IncomingWebhook/9f8e7d6c5b4f3e2d1c0b9f8e7d6c5b4f/4c6e8d0f-2b4d-4f6e-8c9d-1e3f5b7d9c0e",
            "IncomingWebhook/9f8e"
        ), ("xoxd-7Kq2%2BVb9%2FLm4Rt6Wz8Yp3Cn5Kq2%3D", "Lm4Rt6"), ("Passwort f. Admin: hunter22x", "hunter22x"),
        ("contrasen\u{303}a: hunter22x", "hunter22x"), ("API key no. 2: aB3dE5gH7jK9mN1p", "aB3dE5"),
        ("Core switch\taabb.ccdd.eef1", "ccdd"), ("\naabb.ccdd.eef1", "ccdd"),
        ("ro19 bank hold ersn ames inca", "hold"),
        ("%u0067%u0068%u0070_9sK2mQ4xT7vB1nL6wR8yC3zD5fG0hJ2kM4pX", "9sK2mQ"),
        ("U+0067 U+0068 U+0070 U+005F9sK2mQ4xT7vB1nL6wR8yC3zD5fG0hJ2kM4pX", "9sK2mQ"),
        ("codice fiscale Rssmra85t10a562s", "85t10"), ("여권번호M12345678", "M12345678"), ("ЕГН 7523169263", "7523169263"),
        ("file:///Users/dana/x.csv", "dana"), ("cache_password: S3cretPW99", "S3cret"),
    ])
    func aSecretIsNotPublished(_ text: String, _ part: String) throws {
        for document in [[text], ["say \(text)"]] {
            let bytes = Array(
                "[\(document.map { "\"\(String(decoding: JSONText.escape($0.utf8), as: UTF8.self))\"" }.joined())]".utf8
            )
            if case .publishable(let recipe) = scrub(bytes, as: .plainJSON).verdict {
                #expect(!String(decoding: recipe.bytes, as: UTF8.self).contains(part), "\(text)")
            }
        }
    }

    /// However its dashes meet, a block for a key is read.
    @Test(arguments: [
        "-----BEGIN PRIVATE KEY------END PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----END PRIVATE KEY-----",
        "-----BEGIN -----END PRIVATE KEY-----", "-----BEGIN PRIVATE KEY---------END ",
    ])
    func dashesMayMeet(_ text: String) throws {
        #expect(try Detector(minimum: 0).findings(in: text).contains { $0.rule == "secret.privateKey" })
    }

    /// A password that looks like a stand-in for a name is one all the same.
    @Test(arguments: ["Company 2024", "Person 01"]) func aPasswordIsNoStandIn(_ password: String)
        throws
    {
        let known = try KnownIdentities(people: ["Dana Whitfield"])
        let report = Scrubber().scrub(
            Array("{\"password\":\"\(password)\"}".utf8), as: .plainJSON, for: .publicLibrary, knowing: known)
        #expect(report.findings.map(\.rule) == ["secret.password"])
    }

    /// What is not secret stays: a host behind a token, and what a URL asks for besides.
    @Test(arguments: [
        ("https://q7Wm2xK9pL4vB8nT3zR6@github.com/x", "https://REPLACE_WITH_SECRET_1@github.com/x"),
        ("postgres://app:S3cr3t/xyz9@db.acme.net/x", "postgres://REPLACE_WITH_SECRET_1@db.acme.net/x"),
        ("?api_key=q7Wm2xK9pL4vB8nT3zR6&x=1", "?api_key=REPLACE_WITH_SECRET_1&x=1"),
        ("password=Tr0ub4dor&user=x", "password=REPLACE_WITH_SECRET_1&user=x"),
    ])
    func theRestStays(_ text: String, _ after: String) throws {
        #expect(try strings(output(scrub(Array("[\"\(text)\"]".utf8), as: .plainJSON))) == [after])
    }

    @Test(arguments: [
        (#"{"password":"correct horse battery staple"}"#, "horse"), (#"{"pass":"hunter2abcX9"}"#, "hunter2"),
        (#"{"smtpPass":"hunter2abcX9"}"#, "hunter2"), (#"{"Authorization":"GenieKey q7Wm2xK9pL4vB8nT3zR6"}"#, "q7Wm2x"),
        (#"{"clientSecret":"x7K!q2mZ*r9TbWc4V"}"#, "q2mZ"), (#"{"password":"4my-D0g9Cat"}"#, "D0g9"),
        (#"{"jwtKey":"q7Wm2xK9pL4vB8nT3zR6"}"#, "q7Wm2x"), (#"{"stripeKey":"q7Wm2xK9pL4vB8nT3zR6"}"#, "q7Wm2x"),
        (#"{"token":["q7Wm2xK9pL4vB8nT3zR6"]}"#, "q7Wm2x"), (#"{"client_secret":"qIWmGxKgpLdvBhnTczRf"}"#, "qIWmGx"),
        (#"[{"name":"apiKey","value":"q7Wm2xK9pL4vB8nT3zR6"}]"#, "q7Wm2x"), (#"{"password":8273645}"#, "8273645"),
        (#"{"rijksregisternummer":"85.07.30-033.28"}"#, "033.28"), (#"{"vin":"WAUZZZ8K9BA123456"}"#, "BA123456"),
        (#"{"nir":"184122A45108933"}"#, "45108933"),
        ("{\"contrasen\u{303}a\":\"hunter22x\"}", "hunter22x"), ("{\"pre\u{301}nom\":\"Jennifer\"}", "Jennifer"),
        ("[{\"ne\u{301}\":\"1990-06-05 00:00:00\"},{\"n\u{E9}\":\"1990-06-05 00:00:00\"}]", "1990-06-05"),
        (#"{"t":"aabb.ccdd.eef1"}"#, "eef1"), (#"["HRB-123"]"#, "HRB-123"), (#"{"data":"ssn 536-22-8726-A"}"#, "8726"),
        (#"{"a":"DNI 12.345.678-Z"}"#, "345.678"), (#"{"a":"Führerschein B072RRE2I55"}"#, "B072"),
    ])
    func aKeyTells(_ document: String, _ part: String) throws {
        if case .publishable(let recipe) = scrub(Array(document.utf8), as: .plainJSON).verdict {
            #expect(!String(decoding: recipe.bytes, as: UTF8.self).contains(part), "\(document)")
        }
    }

    /// Ids, hashes and words under the names of providers, and sentences about secrets, stay.
    @Test(arguments: [
        #"{"github_commit_sha":"da39a3ee5e6b4b0d3255bfef95601890afd80709"}"#,
        #"{"hubspot_form_id":"9f86d081-884c-4d63-a1b2-0123456789ab"}"#,
        #"{"trello_card_id":"4xp9fdt77pncbef59f4k1qe83o12ab"}"#, #"{"key":"customfield_10042"}"#,
        #"{"key":"4xp9fdt77pncbef59f4k"}"#,
        #"{"auth":"custom_oauth2_2024_flow1"}"#, #"{"client_secret":"clientSecretOfMyAPIForUsers"}"#,
        #"{"title":"Basic configuration of the connector"}"#, #"{"a":"Bearer authentication-header"}"#,
        #"{"a":"Forgot your password? Contact the helpdesk"}"#, #"{"a":"Reset password > Settings"}"#,
        #"{"a":"ZIP 10001-1234 New York"}"#, #"{"a":"car to go 12"}"#, #"{"a":"The car A4 has"}"#,
        #"{"a":"Cancelled order 100200300"}"#, #"{"a":"hotel id 123456789"}"#,
        #"{"a":"Newtonsoft.Json, Version=13.0.3.0"}"#, #"{"a":"SDK 4.12.0.1"}"#, #"{"a":"10:30::11:00"}"#,
        #"{"a":"batch2024b and patch2024a"}"#, #"{"a":"Bank holidays since 20240115"}"#, #"{"id":"T12345678"}"#,
        #"{"pass_count":"123456789"}"#,
        #"{"a":"License valid until 20251231"}"#, #"{"a":"reg no is 44"}"#, #"{"password_hint":"your first pet"}"#,
        #"{"type":"password"}"#, #"{"a":"secret: ask_admin_2024_please"}"#,
        #"{"next_page_token":"abc123def456ghi789"}"#, #"{"a":"password = getPassword1(user)"}"#,
    ])
    func ordinaryValuesStay(_ document: String) throws {
        #expect(String(decoding: try output(scrub(Array(document.utf8), as: .plainJSON)), as: UTF8.self) == document)
    }
}
