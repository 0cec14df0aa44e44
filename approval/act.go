package approval

// Roles that the life of a case asks the directory for, besides those of the
// policy.
const (
	RoleTeamMember    = "team-member"    // of a service: deploys and validates where its owner does
	RoleAppSupport    = "app-support"    // of a service: deploys and validates where App Support does
	RoleOnCall        = "on-call-team"   // of a service: may claim that a change is standard
	RoleChangeManager = "change-manager" // of no service: reviews
	RoleOutsideTeam   = "outside-team"   // of a service: a person who is known not to belong to its team
)

// EngineVersion is the version of what rules mean. It rises when the same
// inputs could give another verdict.
const EngineVersion = "1"
