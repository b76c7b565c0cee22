// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import ReeveTesting
import Testing

@testable import ReeveModel

/// Base 64 against Foundation's, in both alphabets.
@Suite struct Base64Properties {
    @Test func bothAlphabetsAgreeWithFoundation() throws {
        var random = Scale.current.generator(for: "base64")
        for count in Array(0...200) + [1000, 8192, 65_537] {
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            let standard = Data(bytes).base64EncodedString()
            #expect(Base64.encode(bytes) == standard && Base64.decode(standard.utf8) == bytes)
            let url = standard.replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
            #expect(Base64URL.encode(bytes) == url && Base64URL.decode(url) == bytes)
            // Appended behind something, and read out of the middle of something.
            var text = Array("ab".utf8)
            Base64URL.append(bytes, to: &text)
            #expect(text == Array("ab".utf8) + Array(url.utf8))
            #expect(Base64URL.decode((text + [0x21])[2..<text.count]) == bytes)
        }
    }

    /// Every foreign byte in every place, every cut that is none, and every spelling of unused bits but one is refused.
    @Test func onlyOneSpellingIsRead() {
        let alphabet = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        for count in 0...7 {
            let text = Array(Base64URL.encode((0..<count).map { UInt8($0 * 37 + 5) }).utf8)
            for place in text.indices {
                for byte in UInt8.min...UInt8.max where !alphabet.contains(byte) {
                    var changed = text
                    changed[place] = byte
                    #expect(Base64URL.decode(changed[...]) == nil)
                }
            }
        }
        let digits = Array(alphabet).sorted()
        var (one, two) = (0, 0)
        for first in digits {
            for second in digits {
                if Base64URL.decode([first, second][...]) != nil { one += 1 }
                if Base64URL.decode([0x41, first, second][...]) != nil { two += 1 }
            }
        }
        #expect(one == 256 && two == 65_536 / 64)
        #expect(Base64URL.decode("A") == nil && Base64URL.decode("AAAAA") == nil)
        for text in ["A===", "AA=", "AA", "AA==A", "=AAA", "A=AA", "AAA-", "AAA_", "AAB="] {
            #expect(Base64.decode(text.utf8) == nil)
        }
        #expect(Base64.decode("AA==".utf8) == [0] && Base64.decode("".utf8) == [])
    }
}
