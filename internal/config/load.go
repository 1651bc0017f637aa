package config

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Prefix begins the environment variable of every key: MCALEDGER_DATABASE,
// MCALEDGER_POLICY_ACCEPTED_SINCE, and for the first partner MCALEDGER_PARTNERS_0_NAME.
const Prefix = "MCALEDGER_"

// places are where the configuration is looked for when it is not named.
func places() []string { return []string{"./mcaledger.yaml", "/etc/mcaledger/mcaledger.yaml"} }

// Load reads the configuration from path; if empty, from MCALEDGER_CONFIG, else from the first of
// the usual places that exists. environ has the form of os.Environ. Files with secrets are not
// opened, except database_file.
func Load(path string, environ []string) (Config, error) {
	env := variables(environ)
	path = cmp.Or(path, env["CONFIG"], find())
	delete(env, "CONFIG")
	content := &file{path: path}
	switch {
	case path != "":
		var err error
		if content, err = readFile(path); err != nil {
			return Config{}, err
		}
	case len(env) == 0:
		return Config{}, fmt.Errorf("there is no configuration: looked for %s; name one with --config",
			strings.Join(places(), " and "))
	default:
		content.path = "environment (there is no file " + strings.Join(places(), " or ") + ")"
	}
	folder, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return Config{}, err
	}
	l := newLoader(content, env)
	fromEnv := l.environment(env)
	l.apply(slices.DeleteFunc(content.entries, func(e entry) bool { return overridden(e, fromEnv) }))
	l.apply(fromEnv)
	if len(l.mistakes) == 0 {
		l.config.resolve(folder)
		l.readDatabaseFile(folder)
	}
	if len(l.mistakes) == 0 {
		l.config.validate(l.wrong)
	}
	if len(l.mistakes) > 0 {
		return Config{}, errors.Join(l.mistakes...)
	}
	return l.config, nil
}

func find() string {
	for _, place := range places() {
		if _, err := os.Stat(place); !errors.Is(err, fs.ErrNotExist) {
			return place // one that cannot be read is an error, not a reason to take another
		}
	}
	return ""
}

// kubernetes matches the variables that Kubernetes sets in every container for a service whose name
// begins with mcaledger:
// https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
var kubernetes = regexp.MustCompile(`(^|_)(SERVICE_(HOST|PORT)(_[A-Z0-9_]+)?=|` +
	`PORT=(tcp|udp|sctp)://|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?=)`)

// variables are those that are meant for mcaledger, by their names without the prefix.
func variables(environ []string) map[string]string {
	env := map[string]string{}
	for _, line := range environ {
		ours, found := strings.CutPrefix(line, Prefix)
		if name, value, _ := strings.Cut(ours, "="); found && !kubernetes.MatchString(ours) {
			env[name] = value
		}
	}
	return env
}

// loader fills a Config from what the file and the environment give, and collects every mistake.
type loader struct {
	path     string // of the file
	config   Config
	keys     map[string]key
	sections map[string]bool // paths that hold keys: "", report, partners[0], …
	mistakes []error
}

// newLoader prepares the partners of the file, and those that the environment adds after them.
func newLoader(content *file, env map[string]string) *loader {
	l := &loader{path: content.path, config: defaults(), keys: map[string]key{},
		sections: map[string]bool{"": true, "partners": true}}
	l.config.sources = map[string]string{}
	names := slices.Collect(maps.Keys(env))
	partners := content.partners
	for slices.ContainsFunc(names, func(name string) bool {
		return strings.HasPrefix(name, fmt.Sprintf("PARTNERS_%d_", partners))
	}) {
		partners++
	}
	for range partners {
		l.config.Partners = append(l.config.Partners, defaultPartner())
	}
	for _, k := range l.config.keys() {
		l.keys[k.path] = k
		for i, c := range k.path {
			if c == '.' {
				l.sections[k.path[:i]] = true
			}
		}
	}
	return l
}

// environment turns variables into entries.
func (l *loader) environment(env map[string]string) []entry {
	paths := map[string]string{}
	for path := range l.keys {
		paths[variable(path)] = path
	}
	var entries []entry
	for _, name := range slices.Sorted(maps.Keys(env)) {
		if path, known := paths[name]; known {
			entries = append(entries, entry{path: path, text: env[name], place: Prefix + name})
			continue
		}
		meant := nearest(name, slices.Sorted(maps.Keys(paths)))
		l.mistake("environment", "there is no key for %s%s%s", Prefix, name, suggestion(Prefix, meant))
	}
	return entries
}

// variable is the environment variable of a key, without the prefix: PARTNERS_0_NAME for
// partners[0].name.
func variable(path string) string {
	return strings.ToUpper(strings.NewReplacer(".", "_", "[", "_", "]", "").Replace(path))
}

// overridden reports whether a variable gives the key of an entry, or the other form of it: a value
// or its file.
func overridden(e entry, env []entry) bool {
	return slices.ContainsFunc(env, func(v entry) bool {
		return strings.TrimSuffix(v.path, "_file") == strings.TrimSuffix(e.path, "_file")
	})
}

// apply sets the keys that entries give.
func (l *loader) apply(entries []entry) {
	done := "" // a key, or a section that is wrong: what stands below it needs no mention of its own
	for _, e := range entries {
		below := strings.TrimPrefix(e.path, done)
		switch {
		case below != e.path && strings.ContainsAny(below[:1], ".["), strings.HasPrefix(e.path, "["):
		case l.sections[e.path]:
			if !l.section(e) {
				done = e.path
			}
		default:
			done = e.path
			l.key(e)
		}
	}
}

// section notes where a section begins, and reports whether it has the form of one.
func (l *loader) section(e entry) bool {
	l.config.sources[e.path] = e.place
	switch {
	case e.form == mapping && e.path != "partners", e.form == list && e.path == "partners", e.form == nothing:
		return true
	case e.path == "partners":
		l.mistake(e.place, "partners must be a list; begin each partner with a dash")
	default:
		l.mistake(e.place, "%s must hold keys and values, one per line", cmp.Or(e.path, "the configuration"))
	}
	return false
}

// key sets the key that an entry gives.
func (l *loader) key(e entry) {
	k, known := l.keys[e.path]
	switch {
	case !known:
		l.mistake(e.place, "there is no key %s%s", e.path, suggestion("", l.meant(e.path)))
		return
	case e.form == nothing: // as if the key were not there
		return
	}
	l.config.sources[k.path] = e.place
	plain := strings.TrimSuffix(k.path, "_file")
	_, isList := k.target.(*Addresses)
	switch {
	case l.config.sources[plain] != "" && l.config.sources[plain+"_file"] != "":
		l.mistake(e.place, "%s and %s_file are both given; give one", plain, plain)
	case e.form != scalar && !(e.form == words && isList):
		l.mistake(e.place, "%s must be a single value", k.path)
	default:
		if err := k.set(e.text); err != nil {
			l.mistake(e.place, "%s %w", k.path, err)
		}
	}
}

// meant is the key or section that an unknown one probably stands for: one with a similar path, or
// one with the same name in another section.
func (l *loader) meant(path string) string {
	known := slices.Sorted(maps.Keys(l.keys))
	known = slices.AppendSeq(known, maps.Keys(l.sections))
	if like := nearest(path, known); like != "" {
		return like
	}
	name := path[strings.LastIndexByte(path, '.')+1:]
	i := slices.IndexFunc(known, func(other string) bool { return strings.HasSuffix(other, "."+name) })
	if i < 0 {
		return ""
	}
	return known[i]
}

// readDatabaseFile reads the address of the database from its file, which every command needs.
func (l *loader) readDatabaseFile(folder string) {
	if l.config.DatabaseFile == "" {
		return
	}
	address, err := readSecret("database_file", l.config.DatabaseFile, "write the address of the database to it")
	if err != nil {
		l.mistake(l.origin("database_file"), "%w", err)
		return
	}
	l.config.Database = address
	l.config.resolve(folder)
}

func (l *loader) mistake(place, format string, values ...any) {
	l.mistakes = append(l.mistakes, fmt.Errorf("%s: "+format, append([]any{place}, values...)...))
}

// wrong is about the value of a key, wherever that came from.
func (l *loader) wrong(key, format string, values ...any) {
	l.mistake(l.origin(key), "%s "+format, append([]any{key}, values...)...)
}

// origin is the place of a key, or of the nearest section around it that is given at all.
func (l *loader) origin(path string) string {
	for ; path != ""; path = path[:max(0, strings.LastIndexAny(path, ".["))] {
		if place := cmp.Or(l.config.sources[path], l.config.sources[path+"_file"]); place != "" {
			return place
		}
	}
	return l.path
}
