package config

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

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
	folder := "."
	switch {
	case path != "":
		read, err := parse(path)
		if err != nil {
			return Config{}, err
		}
		tree, folder = read, filepath.Dir(path)
	case len(env) == 0:
		return Config{}, fmt.Errorf("there is no configuration: looked for %s; name one with --config", strings.Join(Places, " and "))
	}
	folder, err := filepath.Abs(folder)
	if err != nil {
		return Config{}, err
	}
	if err := overlay(tree, env); err != nil {
		return Config{}, err
	}
	c, err := decode(tree, path, folder)
	if err != nil {
		return Config{}, err
	}
	c.resolve(folder)
	return c, c.validate()
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
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, fmt.Errorf("%s: %s", path, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if document.Kind == 0 {
		return &yaml.Node{Kind: yaml.MappingNode}, nil
	}
	return document.Content[0], nil
}

// environment returns the variables that are ours, by their names without the prefix.
func environment(environ []string) map[string]string {
	env := map[string]string{}
	for _, line := range environ {
		name, value, _ := strings.Cut(line, "=")
		if key, ours := strings.CutPrefix(name, Prefix); ours {
			env[key] = value
		}
	}
	return env
}

// decode fills a Config from the tree, key by key, so that every mistake is named with its place.
func decode(tree *yaml.Node, path, folder string) (Config, error) {
	c := defaults()
	d := decoder{path: path, folder: folder}
	d.fill(tree, reflect.ValueOf(&c).Elem(), "")
	return c, errors.Join(d.mistakes...)
}

type decoder struct {
	path, folder string
	mistakes     []error
}

func (d *decoder) mistake(node *yaml.Node, format string, values ...any) {
	place := "environment: "
	if node.Line > 0 {
		place = fmt.Sprintf("%s line %d: ", d.path, node.Line)
	}
	d.mistakes = append(d.mistakes, errors.New(place+fmt.Sprintf(format, values...)))
}

// fill decodes a mapping into a struct.
func (d *decoder) fill(node *yaml.Node, into reflect.Value, at string) {
	if isNull(node) {
		return
	}
	if node.Kind != yaml.MappingNode {
		d.mistake(node, "%s must hold keys and values, one a line", cmp.Or(strings.TrimSuffix(at, "."), "the configuration"))
		return
	}
	given := map[string]bool{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		name := key.Value
		if given[name] {
			d.mistake(key, "%s is given twice", at+name)
			continue
		}
		given[name] = true
		field, fromFile, ok := lookUp(into, name)
		if !ok {
			d.mistake(key, "there is no key %s%s", at+name, nearest(name, keys(into.Type())))
			continue
		}
		if fromFile && given[strings.TrimSuffix(name, "_file")] || given[name+"_file"] {
			d.mistake(key, "%s and %s_file are both given; give one", at+strings.TrimSuffix(name, "_file"), at+strings.TrimSuffix(name, "_file"))
			continue
		}
		if fromFile {
			d.secret(value, field, at+name)
		} else {
			d.value(value, field, at+name)
		}
	}
}

func (d *decoder) value(node *yaml.Node, field reflect.Value, at string) {
	switch {
	case field.Kind() == reflect.Struct:
		d.fill(node, field, at+".")
	case field.Kind() == reflect.Slice:
		d.partners(node, field, at)
	case isNull(node):
	default:
		if node.Kind != yaml.ScalarNode {
			d.mistake(node, "%s must be a single value", at)
		} else if err := node.Decode(field.Addr().Interface()); err != nil {
			d.mistake(node, "%s: %q is not %s", at, node.Value, form(field))
		}
	}
}

// partners decodes the list of partners, each over the defaults.
func (d *decoder) partners(node *yaml.Node, field reflect.Value, at string) {
	if node.Kind != yaml.SequenceNode {
		if !isNull(node) {
			d.mistake(node, "%s must be a list, each entry beginning with a dash", at)
		}
		return
	}
	for i, item := range node.Content {
		p := reflect.ValueOf(new(defaultPartner())).Elem()
		d.fill(item, p, fmt.Sprintf("%s[%d].", at, i))
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
		d.mistake(node, "%s: the secret cannot be read: %v", at, err)
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
func overlay(tree *yaml.Node, env map[string]string) error {
	var mistakes []error
	for _, name := range slices.Sorted(maps.Keys(env)) {
		path, ok := keyPath(strings.ToLower(name), reflect.TypeFor[Config]())
		if !ok {
			mistakes = append(mistakes, fmt.Errorf("environment: there is no key for %s%s%s", Prefix, name, nearest(Prefix+name, variables(reflect.TypeFor[Config](), Prefix))))
			continue
		}
		if err := put(tree, path, env[name]); err != nil {
			mistakes = append(mistakes, fmt.Errorf("environment: %s%s: %w", Prefix, name, err))
		}
	}
	return errors.Join(mistakes...)
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
	if node.Kind == yaml.SequenceNode {
		index, _ := strconv.Atoi(key)
		if index > len(node.Content) {
			return fmt.Errorf("partner %d is set, but there is no partner %d", index, len(node.Content))
		}
		if index == len(node.Content) {
			node.Content = append(node.Content, &yaml.Node{Kind: yaml.MappingNode})
		}
		return put(node.Content[index], path[1:], value)
	}
	if isNull(node) {
		*node = yaml.Node{Kind: yaml.MappingNode}
	}
	if node.Kind != yaml.MappingNode {
		return errors.New("the file has a single value where the variable needs keys")
	}
	if len(path) == 1 {
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
	below := &yaml.Node{Kind: yaml.MappingNode}
	if key == "partners" {
		below.Kind = yaml.SequenceNode
	}
	node.Content = append(node.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, below)
	return put(below, path[1:], value)
}
