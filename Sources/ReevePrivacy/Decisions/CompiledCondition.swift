// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// A condition over numbered facts: what most rules ask for is two masks.
indirect enum CompiledCondition: Sendable {
    case constant(Truth)
    /// All of the first are yes and all of the second are no.
    case all(FactSet, FactSet)
    case known(Int)
    case not(CompiledCondition)
    case every([CompiledCondition])
    case any([CompiledCondition])

    init(_ condition: Condition, _ numbers: [Path: Int]) {
        switch condition {
        case .constant(let truth): self = .constant(truth)
        case .fact(let name): self = .all(FactSet(numbers[name].map { [$0] } ?? []), FactSet())
        case .known(let name): self = numbers[name].map { .known($0) } ?? .constant(.no)
        case .not(.fact(let name)): self = .all(FactSet(), FactSet(numbers[name].map { [$0] } ?? []))
        case .not(let part): self = .not(CompiledCondition(part, numbers))
        case .any(let parts): self = .any(parts.map { CompiledCondition($0, numbers) })
        case .all(let parts):
            var (yes, no, others): (FactSet, FactSet, [CompiledCondition]) = (FactSet(), FactSet(), [])
            for part in parts {
                let part = CompiledCondition(part, numbers)
                if case .all(let moreYes, let moreNo) = part {
                    (yes, no) = (yes | moreYes, no | moreNo)
                } else {
                    others.append(part)
                }
            }
            self = others.isEmpty ? .all(yes, no) : .every([.all(yes, no)] + others)
        }
    }

    func truth(_ facts: KnownFacts) -> Truth {
        switch self {
        case .constant(let truth): return truth
        case .all(let yes, let no):
            if yes.isSubset(of: facts.yes), no.isSubset(of: facts.no) { return .yes }
            return yes.isDisjoint(with: facts.no) && no.isDisjoint(with: facts.yes) ? .unknown : .no
        case .known(let number): return facts.yes.contains(number) ? .yes : .no
        case .not(let part): return part.truth(facts).negated
        case .every(let parts): return parts.reduce(.yes) { $0.and($1.truth(facts)) }
        case .any(let parts): return parts.reduce(.no) { $0.or($1.truth(facts)) }
        }
    }
}
