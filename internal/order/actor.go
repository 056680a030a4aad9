package order

import (
	"strings"
	"unicode"
)

// Actor is who acted, with the way in which they did, such as "cli:jo". It is empty for
// what the daemon does by itself.
type Actor string

// maxActor is the most bytes of a name in an Actor. Names of systems are shorter.
const maxActor = 64

// CLI returns the actor of a command that this user of the machine has run.
func CLI(user string) Actor { return actor("cli", user) }

// Console returns the actor of a page on which this user of the console has acted.
func Console(user string) Actor { return actor("console", user) }

// Agent returns the actor of an agent that acts for the owner with the token of this name.
func Agent(token string) Actor { return actor("agent", token) }

// Name returns who acted, without the way.
func (a Actor) Name() string {
	if _, name, ok := strings.Cut(string(a), ":"); ok {
		return name
	}
	return string(a)
}

func actor(way, name string) Actor {
	name = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, name)
	if len(name) > maxActor {
		name = strings.ToValidUTF8(name[:maxActor], "")
	}
	if name == "" {
		name = "unknown"
	}
	return Actor(way + ":" + name)
}
