// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReevePrivacy

/// What DESIGN §10 says about a use decision, word for word and slow; and mistakes that an engine could make.
struct UseReference {
    enum Flaw: String, CaseIterable, Sendable {
        case permitByOverlap, forbidByContainment, unknownForbidSleeps, unknownPermitSpeaks, oneCellIsEnough,
            firstOriginOnly
        case knownReadsMissingAsUnknown, unknownPathIsPermitted, forbidBelowLimit,
            permitAboveLimit
        case setsDoNotIdentify, externalIsOurs, statedChoiceCounts, withdrawalLosesTies, narrowWithdrawalIsPassedOver
        case anybodysChoices, holderConsents, generalActsLift, consentToAnything, consentLiftsOptOuts, partsAreElsewhere
        case anyCodeIsKnown, onePlaceIsEnough, keptIsUsed
    }

    let version: PolicyVersion
    var log: [ChoiceEvent]?
    /// Whose log it is.
    var subject = Identifier<DataSubject>(high: 1, low: 1)
    var flaw: Flaw?

    /// What the leaves under a path are, by its words alone.
    private func leaves(_ path: Path, _ all: [Path]) -> [Path] {
        all.filter { leaf in path.contains(leaf) && !all.contains { $0 != leaf && leaf.contains($0) } }
    }

    private func isKnown(_ path: Path, _ all: [Path]) -> Bool { all.contains { path.contains($0) } }

    private func nearest(_ path: Path, _ all: [Path]) -> Path? {
        (1..<max(path.elements.count, 1)).reversed().lazy
            .compactMap { Path(path.elements.prefix($0).joined(separator: ".")) }.first { isKnown($0, all) }
    }

    func identifiability(_ data: DataLabel) -> Identifiability {
        guard flaw != .setsDoNotIdentify, data.identifiability == .pseudonymous else { return data.identifiability }
        let identifies = version.quasiIdentifiers.contains { set in
            set.allSatisfy { one in data.categories.contains { $0.overlaps(one) } }
        }
        return identifies ? .personal : data.identifiability
    }

    /// What a subject's log says to a request, stream by stream.
    func choice(_ request: UseRequest) -> [Path: Truth] {
        let names = ["given", "givenToRecipient", "givenForItem", "optedOut", "refused"].map { path("choice.\($0)") }
        guard let log, request.subject.id == subject || flaw == .anybodysChoices else {
            return Dictionary(uniqueKeysWithValues: names.map { ($0, .unknown) })
        }
        let events = log.filter { event in
            let isHolders = [.holder, .globalPrivacyControl].contains(event.evidence.channel)
            if event.act.allows, event.evidence.representsAuthority == false { return false }
            if event.act.allows, isHolders, flaw != .holderConsents { return false }
            return event.subject == subject || flaw == .anybodysChoices
        }
        /// For each scope the last act counts, and of those at one instant the one that ends.
        func lasts(_ acts: Set<ChoiceEvent.Act>) -> [ChoiceEvent] {
            let all = events.filter { acts.contains($0.act) }
            return all.filter { event in
                all.filter { $0.scope == event.scope }.allSatisfy { other in
                    guard other.at == event.at else { return other.at < event.at }
                    return flaw == .withdrawalLosesTies
                        ? !other.act.allows || event.act.allows : !event.act.allows || other.act.allows
                }
            }
        }
        func concerns(_ event: ChoiceEvent) -> Bool {
            flaw == .narrowWithdrawalIsPassedOver ? has(event.scope, all: request) : has(event.scope, partOf: request)
        }
        func isAsSpecific(_ one: ChoiceScope, _ other: ChoiceScope) -> Bool {
            let named: [(Bool, Bool)] = [
                (one.categories != nil, other.categories != nil), (one.purposes != nil, other.purposes != nil),
                (one.operations != nil, other.operations != nil), (one.recipients != nil, other.recipients != nil),
                (one.named != nil, other.named != nil), (one.items != nil, other.items != nil),
            ]
            return flaw == .generalActsLift || named.allSatisfy { $0.0 || !$0.1 }
        }
        func isEnded(_ acts: Set<ChoiceEvent.Act>) -> Bool {
            let lasts = lasts(acts)
            return lasts.contains { ended in
                !ended.act.allows && concerns(ended)
                    && !lasts.contains {
                        $0.act.allows && $0.at > ended.at && has($0.scope, all: request)
                            && isAsSpecific($0.scope, ended.scope)
                    }
            }
        }
        let consents = lasts(Set(ChoiceEvent.Act.allCases).subtracting([.optedIn]))
        let counted = consents.filter { given in
            given.act == .given && (given.scope.categories != nil || flaw == .consentToAnything)
                && has(given.scope, all: request)
                && !consents.contains { !$0.act.allows && $0.at >= given.at && concerns($0) }
        }
        let lifting: Set<ChoiceEvent.Act> = flaw == .consentLiftsOptOuts ? [.given, .optedIn] : [.optedIn]
        return [
            names[0]: Truth(!counted.isEmpty), names[1]: Truth(counted.contains { $0.scope.named != nil }),
            names[2]: Truth(counted.contains { $0.scope.items != nil }),
            names[3]: Truth(isEnded(lifting.union([.optedOut, .objected]))),
            names[4]: Truth(isEnded([.refused, .given])),
        ]
    }

    private func has(_ scope: ChoiceScope, all request: UseRequest) -> Bool {
        if let operations = scope.operations, !operations.contains(request.operation) { return false }
        if let kinds = scope.recipients, !kinds.contains(request.recipient.kind) { return false }
        if let names = scope.named, !names.contains(request.recipient.name ?? "") { return false }
        if let items = scope.items, !items.contains(request.item ?? "") { return false }
        if let purposes = scope.purposes, !purposes.contains(where: { $0.contains(request.purpose) }) { return false }
        if let categories = scope.categories {
            for one in request.data.categories where !categories.contains(where: { $0.contains(one) }) { return false }
        }
        return true
    }

    private func has(_ scope: ChoiceScope, partOf request: UseRequest) -> Bool {
        if let operations = scope.operations, !operations.contains(request.operation) { return false }
        if let kinds = scope.recipients, !kinds.contains(request.recipient.kind) { return false }
        if let names = scope.named, let name = request.recipient.name, !names.contains(name) { return false }
        if let names = scope.named, names.isEmpty { return false }
        if scope.named != nil, request.recipient.name == nil, [.own, .everyone].contains(request.recipient.kind) {
            return false
        }
        if let items = scope.items, let item = request.item, !items.contains(item) { return false }
        if let items = scope.items, items.isEmpty { return false }
        if let purposes = scope.purposes, !purposes.contains(where: { $0.overlaps(request.purpose) }) { return false }
        if let categories = scope.categories {
            return request.data.categories.contains { one in categories.contains { $0.overlaps(one) } }
        }
        return true
    }

    func facts(_ request: UseRequest) -> [Path: Truth] {
        let derivedRoots = ["choice", "subject", "residence", "destination", "retention"]
        var facts = request.facts.filter { flaw == .statedChoiceCounts || !derivedRoots.contains($0.key.elements[0]) }
        let choice = choice(request)
        facts[path("destination.isGiven")] = Truth(!request.destinations.isEmpty)
        // What is kept for some purposes alone is used for no other.
        let isForOther = request.retainedFor.map { all in !all.contains { $0.contains(request.purpose) } }
        facts[path("retention.isForOther")] = flaw == .keptIsUsed ? .no : Truth(isForOther ?? false)
        for (name, truth) in choice where flaw != .statedChoiceCounts || facts[name] == nil { facts[name] = truth }
        for (name, regions) in version.regions {
            facts[path("residence.\(name)")] = isIn(regions, request.subject.residence)
            facts[path("destination.\(name)")] = isIn(regions, request.destinations.first)
        }
        return facts
    }

    private func isIn(_ regions: Set<Region>, _ place: Region?) -> Truth {
        guard let place else { return .unknown }
        func isPart(_ wider: Region) -> Bool {
            place == wider || flaw != .partsAreElsewhere && place.description.hasPrefix(wider.description + "-")
        }
        if regions.contains(where: isPart) { return .yes }
        return version.knownRegions.map { $0.contains(where: isPart) || flaw == .anyCodeIsKnown ? .no : .unknown }
            ?? .no
    }

    private func truth(_ condition: Condition, _ facts: [Path: Truth]) -> Truth {
        guard flaw == .knownReadsMissingAsUnknown else { return condition.truth(under: facts) }
        func open(_ condition: Condition) -> Condition {
            switch condition {
            case .known(let fact): .fact(fact)
            case .not(let part): .not(open(part))
            case .all(let parts): .all(parts.map(open))
            case .any(let parts): .any(parts.map(open))
            default: condition
            }
        }
        return open(condition).truth(under: facts)
    }

    func isAllowed(_ request: UseRequest) -> Bool {
        // Where it goes to several places, for each of them.
        if request.destinations.count > 1 {
            let each = request.destinations.map { place in
                var one = request
                one.destinations = [place]
                return isAllowed(one)
            }
            return flaw == .onePlaceIsEnough ? each.contains(true) : !each.contains(false)
        }
        let categories = version.taxonomy.categories.map(\.path)
        let purposes = version.taxonomy.purposes.map(\.path)
        guard !request.data.categories.isEmpty, !request.data.origins.isEmpty else { return false }
        guard flaw == .externalIsOurs || !request.data.origins.contains(.external) else { return false }
        let near = identifiability(request.data)
        let facts = facts(request)
        func isAbout(_ rule: UseRule) -> Bool {
            let scope = rule.scope
            var isNear = true
            if let limit = scope.identifiability {
                switch rule.effect {
                case .permit: isNear = near <= limit || flaw == .permitAboveLimit
                case .forbid: isNear = flaw == .forbidBelowLimit ? near == limit : near >= limit
                }
            }
            return isNear && scope.operations?.contains(request.operation) ?? true
                && scope.recipients?.contains(request.recipient.kind) ?? true
                && scope.relationships?.contains(request.subject.relationship) ?? true
                && scope.roles?.contains(request.role.kind) ?? true
        }
        func place(_ path: Path, _ all: [Path]) -> Path? {
            isKnown(path, all) ? path : nearest(path, all)
        }
        for rule in version.rules where rule.effect == .forbid && isAbout(rule) {
            let overlapsCategory = request.data.categories.contains { one in
                guard let place = place(one.path, categories) else { return false }
                return rule.scope.categories?.contains {
                    flaw == .forbidByContainment ? $0.path.contains(place) : $0.path.overlaps(place)
                } ?? true
            }
            let overlapsPurpose =
                place(request.purpose.path, purposes).map { place in
                    rule.scope.purposes?.contains {
                        flaw == .forbidByContainment ? $0.path.contains(place) : $0.path.overlaps(place)
                    } ?? true
                } ?? false
            let overlapsOrigin = rule.scope.origins.map { !$0.isDisjoint(with: request.data.origins) } ?? true
            guard overlapsCategory, overlapsPurpose, overlapsOrigin else { continue }
            switch truth(rule.when, facts) {
            case .yes: return false
            case .unknown: if flaw != .unknownForbidSleeps { return false }
            case .no: break
            }
        }
        let isAllKnown =
            request.data.categories.allSatisfy { isKnown($0.path, categories) }
            && isKnown(request.purpose.path, purposes)
        if !isAllKnown, flaw != .unknownPathIsPermitted { return false }
        var cells: [(category: Path, purpose: Path, origin: DataOrigin)] = []
        for category in request.data.categories {
            for leaf in isKnown(category.path, categories) ? leaves(category.path, categories) : [category.path] {
                for purpose in isKnown(request.purpose.path, purposes)
                    ? leaves(request.purpose.path, purposes) : [request.purpose.path]
                {
                    for origin in request.data.origins.sorted(by: { $0.rawValue < $1.rawValue }) {
                        cells.append((leaf, purpose, origin))
                    }
                }
            }
        }
        if flaw == .firstOriginOnly { cells = cells.filter { $0.origin == cells[0].origin } }
        func isPermitted(_ cell: (category: Path, purpose: Path, origin: DataOrigin)) -> Bool {
            version.rules.contains { rule in
                guard rule.effect == .permit, isAbout(rule) else { return false }
                let byOverlap = flaw == .permitByOverlap
                let truth = truth(rule.when, facts)
                return truth == .yes || flaw == .unknownPermitSpeaks && truth == .unknown
                    ? (rule.scope.categories?.contains {
                        byOverlap ? $0.path.overlaps(cell.category) : $0.path.contains(cell.category)
                    } ?? true)
                        && (rule.scope.purposes?.contains {
                            byOverlap ? $0.path.elements[0] == cell.purpose.elements[0] : $0.path.contains(cell.purpose)
                        } ?? true)
                        && (rule.scope.origins?.contains(cell.origin) ?? true)
                    : false
            }
        }
        return flaw == .oneCellIsEnough ? cells.contains(where: isPermitted) : cells.allSatisfy(isPermitted)
    }
}

func path(_ text: String) -> Path { .init(trusted: text) }
func category(_ text: String) -> DataCategory { .init(trusted: text) }
func purpose(_ text: String) -> Purpose { .init(trusted: text) }
func clause(_ text: String) -> ClauseReference { .init(trusted: text) }
func region(_ text: String) -> Region { .init(trusted: text) }
