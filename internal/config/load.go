package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Prefix begins the environment variable of every key: MCALEDGER_DATABASE, MCALEDGER_POLICY_ACCEPTED_SINCE, and for the first partner
// MCALEDGER_PARTNERS_0_NAME.
const Prefix = "MCALEDGER_"

// Places are where the configuration is looked for when nobody says where it is.
var Places = []string{"./mcaledger.yaml", "/etc/mcaledger/mcaledger.yaml"}

// Load reads the configuration from path; empty: from MCALEDGER_CONFIG, else from the first of Places that exists. environ is os.Environ's
// form. What it returns is complete and makes sense.
func Load(path string, environ []string) (Config, error) {
	env := environment(environ)
	if path == "" {
		path = env["CONFIG"]
	}
	delete(env, "CONFIG")
	if path == "" {
		path = find()
	}
	tree := &yaml.Node{Kind: yaml.MappingNode}
	d := decoder{path: path, folder: ".", places: map[string]string{"": path}}
	switch {
	case path != "":
		read, err := parse(path)
		if err != nil {
			return Config{}, err
		}
		tree, d.folder = read, filepath.Dir(path)
	case len(env) == 0:
		return Config{}, fmt.Errorf("there is no configuration: looked for %s; name one with --config", strings.Join(Places, " and "))
	default:
		d.places[""] = "environment (there is no file " + strings.Join(Places, " or ") + ")"
	}
	var err error
	if d.folder, err = filepath.Abs(d.folder); err != nil {
		return Config{}, err
	}
	d.overlay(tree, env)
	c := d.decode(tree)
	if len(d.mistakes) == 0 {
		c.resolve(d.folder)
		c.validate(d.wrong)
	}
	if len(d.mistakes) > 0 {
		return Config{}, errors.Join(d.mistakes...)
	}
	return c, nil
}

func find() string {
	for _, place := range Places {
		if _, err := os.Stat(place); err == nil {
			return place
		}
	}
	return ""
}

func parse(path string) (*yaml.Node, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	var document, second yaml.Node
	documents := yaml.NewDecoder(bytes.NewReader(text))
	switch err := documents.Decode(&document); {
	case errors.Is(err, io.EOF): // an empty file
		return &yaml.Node{Kind: yaml.MappingNode}, nil
	case err != nil:
		return nil, fmt.Errorf("%s %s", path, syntax(err))
	}
	if err := documents.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s holds more than one document; take out the line --- and what follows, or join them", path)
	}
	return document.Content[0], nil
}

// syntax is the parser's complaint with a line, and without the words of the file: they may be a secret.
func syntax(err error) string {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	if strings.HasPrefix(message, "unknown anchor") {
		return "has a value that begins with * and is no alias; put it in quotes"
	}
	line := 1 // the parser leaves out the first
	if n, err := fmt.Sscanf(message, "line %d:", &line); err == nil && n == 1 {
		_, message, _ = strings.Cut(message, ": ")
		if miscounted.MatchString(message) {
			line++
		}
	}
	return fmt.Sprintf("near line %d: %s", line, message)
}

// miscounted are the complaints for which the parser counts lines from 0.
var miscounted = regexp.MustCompile(`^did not find expected (<document start>|node content|'-' indicator|key|',' or)`)

// kubernetes are the variables that it gives every container of a cluster with a service called mcaledger.
var kubernetes = regexp.MustCompile(`^(SERVICE_|PORT(_|$))`)

// environment returns the variables that are ours, by their names without the prefix.
func environment(environ []string) map[string]string {
	env := map[string]string{}
	for _, line := range environ {
		name, value, _ := strings.Cut(line, "=")
		if key, ours := strings.CutPrefix(name, Prefix); ours && !kubernetes.MatchString(key) {
			env[key] = value
		}
	}
	return env
}

// decoder fills a Config from the tree, key by key, so that every mistake is named with its place.
type decoder struct {
	path, folder string
	places       map[string]string // where each key is given
	mistakes     []error
}

func (d *decoder) decode(tree *yaml.Node) Config {
	c := defaults()
	d.fill(tree, reflect.ValueOf(&c).Elem(), "")
	return c
}

// mistake is about a node of the tree, which gives the key at.
func (d *decoder) mistake(node *yaml.Node, at, format string, values ...any) {
	d.mistakes = append(d.mistakes, fmt.Errorf("%s: "+format, append([]any{d.place(node, at)}, values...)...))
}

// wrong is about the value of a key, wherever that came from.
func (d *decoder) wrong(key, format string, values ...any) {
	d.mistakes = append(d.mistakes, fmt.Errorf("%s: %s: "+format, append([]any{d.origin(key), key}, values...)...))
}

// origin is the place of a key, or of the nearest thing around it that is given at all.
func (d *decoder) origin(key string) string {
	for at := key; ; at = at[:max(0, strings.LastIndexAny(at, ".["))] {
		for _, form := range []string{at, at + "_file"} {
			if place, given := d.places[form]; given {
				return place
			}
		}
	}
}

// place is the line of the file or the variable that gives a key.
func (d *decoder) place(node *yaml.Node, at string) string {
	if node.Line > 0 {
		return fmt.Sprintf("%s line %d", d.path, node.Line)
	}
	return variable(at)
}

// fill decodes a mapping into a struct.
func (d *decoder) fill(node *yaml.Node, into reflect.Value, at string) {
	node = followed(node)
	if isNull(node) {
		return
	}
	if node.Kind != yaml.MappingNode {
		d.mistake(node, at, "%s must hold keys and values, one a line", cmp.Or(strings.TrimSuffix(at, "."), "the configuration"))
		return
	}
	given := map[string]bool{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], followed(node.Content[i+1])
		name, _, joined := strings.Cut(key.Value, ":")
		if joined {
			d.mistake(key, at, "a space is missing after %s%s:", at, name)
			continue
		}
		if given[name] {
			d.mistake(key, at+name, "%s is given twice", at+name)
			continue
		}
		given[name] = true
		field, fromFile, ok := lookUp(into, name)
		if !ok {
			d.mistake(key, at+name, "there is no key %s%s", at+name, meant(name, into.Type(), at))
			continue
		}
		if plain := strings.TrimSuffix(name, "_file"); fromFile && given[plain] || given[name+"_file"] {
			d.mistake(key, at+name, "%s and %s_file are both given; give one", at+plain, at+plain)
			continue
		}
		d.places[at+name] = d.place(key, at+name)
		d.value(value, field, at+name, fromFile)
	}
}

func (d *decoder) value(node *yaml.Node, field reflect.Value, at string, fromFile bool) {
	switch {
	case field.Kind() == reflect.Struct:
		d.fill(node, field, at+".")
	case field.Kind() == reflect.Slice:
		d.partners(node, field, at)
	case node.Line > 0 && isNull(node): // in the file: as if the key were not there; an empty variable is an empty text
	case node.Kind != yaml.ScalarNode:
		d.mistake(node, at, "%s must be a single value", at)
	case fromFile:
		d.secret(node, field, at)
	default:
		if scalar(node.Value, field) != nil {
			d.mistake(node, at, "%s: %q is not %s", at, node.Value, form(field))
		}
	}
}

// scalar reads a value as its field wants it, with or without quotes. A text is never refused, so that no mistake repeats a secret.
func scalar(text string, field reflect.Value) (err error) {
	switch value := field.Addr().Interface().(type) {
	case *time.Duration:
		*value, err = time.ParseDuration(text)
	case *int:
		*value, err = strconv.Atoi(text)
	case *float64:
		*value, err = strconv.ParseFloat(text, 64)
	case *bool:
		*value, err = strconv.ParseBool(text)
	default:
		field.SetString(text)
	}
	return err
}

// partners decodes the list of partners, each over the defaults.
func (d *decoder) partners(node *yaml.Node, field reflect.Value, at string) {
	if node.Kind != yaml.SequenceNode {
		if !isNull(node) {
			d.mistake(node, at, "%s must be a list, each entry beginning with a dash", at)
		}
		return
	}
	for i, item := range node.Content {
		p, at := reflect.ValueOf(new(defaultPartner())).Elem(), fmt.Sprintf("%s[%d]", at, i)
		d.places[at] = d.place(item, at)
		d.fill(item, p, at+".")
		field.Set(reflect.Append(field, p))
	}
}

// secret reads a value from the file that the key names.
func (d *decoder) secret(node *yaml.Node, field reflect.Value, at string) {
	path := node.Value
	if !filepath.IsAbs(path) {
		path = filepath.Join(d.folder, path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		d.mistake(node, at, "%s: the secret cannot be read: %v", at, err)
		return
	}
	field.SetString(strings.TrimSpace(strings.TrimPrefix(string(text), "\ufeff")))
}

// lookUp finds the field of a key. fromFile says that the key names the file which holds the field's value.
func lookUp(into reflect.Value, key string) (field reflect.Value, fromFile, ok bool) {
	for i := range into.NumField() {
		f := into.Type().Field(i)
		name := f.Tag.Get("yaml")
		if name == key {
			return into.Field(i), false, true
		}
		if name+"_file" == key && f.Tag.Get("secret") != "" {
			return into.Field(i), true, true
		}
	}
	return reflect.Value{}, false, false
}

// keys lists the keys of a struct, those of secret files too.
func keys(t reflect.Type) []string {
	var names []string
	for i := range t.NumField() {
		name := t.Field(i).Tag.Get("yaml")
		names = append(names, name)
		if t.Field(i).Tag.Get("secret") != "" {
			names = append(names, name+"_file")
		}
	}
	return names
}

// overlay puts the environment's values into the tree, so that they are read, checked and named like the file's.
func (d *decoder) overlay(tree *yaml.Node, env map[string]string) {
	type given struct {
		name string
		path []string
	}
	var variables []given
	for _, name := range slices.Sorted(maps.Keys(env)) {
		if path, ok := keyPath(strings.ToLower(name), reflect.TypeFor[Config]()); ok {
			variables = append(variables, given{name, path})
		} else {
			d.mistakes = append(d.mistakes, fmt.Errorf("environment: there is no key for %s%s%s", Prefix, name, meantVariable(name)))
		}
	}
	// Partner 10 comes after partner 2.
	slices.SortStableFunc(variables, func(a, b given) int { return cmp.Compare(index(a.path), index(b.path)) })
	for _, v := range variables {
		if err := put(tree, v.path, env[v.name]); err != nil {
			d.mistakes = append(d.mistakes, fmt.Errorf("environment: %s%s: %w", Prefix, v.name, err))
		}
	}
}

// index is the number of the partner that a path leads to.
func index(path []string) int {
	if len(path) < 2 {
		return 0
	}
	n, _ := strconv.Atoi(path[1])
	return n
}

// keyPath splits a variable's name into the path of a key: policy_accepted_since into policy, accepted_since.
func keyPath(name string, t reflect.Type) ([]string, bool) {
	for i := range t.NumField() {
		f := t.Field(i)
		key := f.Tag.Get("yaml")
		if name == key || name == key+"_file" && f.Tag.Get("secret") != "" {
			return []string{name}, f.Type.Kind() != reflect.Struct && f.Type.Kind() != reflect.Slice
		}
		rest, below := strings.CutPrefix(name, key+"_")
		if !below {
			continue
		}
		switch f.Type.Kind() {
		case reflect.Struct:
			if path, ok := keyPath(rest, f.Type); ok {
				return append([]string{key}, path...), true
			}
		case reflect.Slice:
			index, rest, _ := strings.Cut(rest, "_")
			if n, err := strconv.Atoi(index); err != nil || n < 0 {
				continue
			}
			if path, ok := keyPath(rest, f.Type.Elem()); ok {
				return append([]string{key, index}, path...), true
			}
		}
	}
	return nil, false
}

// put sets the value at path, making what is missing on the way. A variable wins over both forms of its key in the file.
func put(node *yaml.Node, path []string, value string) error {
	key := path[0]
	number, err := strconv.Atoi(key)
	wanted := yaml.MappingNode
	if err == nil {
		wanted = yaml.SequenceNode
	}
	if isNull(node) {
		*node = yaml.Node{Kind: wanted}
	}
	switch {
	case node.Kind != wanted:
		return errors.New("the file has something else where the variable needs " + map[yaml.Kind]string{
			yaml.MappingNode: "keys and values", yaml.SequenceNode: "a list"}[wanted])
	case wanted == yaml.SequenceNode:
		if number > len(node.Content) {
			return fmt.Errorf("partner %d is set, but there is no partner %d", number, len(node.Content))
		}
		if number == len(node.Content) {
			node.Content = append(node.Content, &yaml.Node{Kind: yaml.MappingNode})
		}
		return put(node.Content[number], path[1:], value)
	case len(path) == 1:
		plain := strings.TrimSuffix(key, "_file")
		for i := len(node.Content) - 2; i >= 0; i -= 2 {
			if name := node.Content[i].Value; name == key || name == plain || name == plain+"_file" {
				node.Content = slices.Delete(node.Content, i, i+2)
			}
		}
		node.Content = append(node.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, &yaml.Node{Kind: yaml.ScalarNode, Value: value})
		return nil
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key {
			return put(node.Content[i+1], path[1:], value)
		}
	}
	below := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
	node.Content = append(node.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, below)
	return put(below, path[1:], value)
}
