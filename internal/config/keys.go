package config

import (
	"encoding"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/mcaledger/mcaledger/internal/standing"
)

// key is one key of the configuration.
type key struct {
	path   string // for example partners[0].client_secret_file
	target any    // a pointer to the value that it sets
	isPath bool   // the value is the path of a file or a folder
}

// keys lists every key of a configuration, in the order of the structs.
func (c *Config) keys() []key { return keysOf(reflect.ValueOf(c).Elem(), "") }

func keysOf(v reflect.Value, at string) []key {
	var keys []key
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if !field.IsExported() {
			continue
		}
		path, target := at+field.Tag.Get("yaml"), v.Field(i).Addr().Interface()
		secret, isSecret := target.(*Secret)
		_, isText := target.(encoding.TextUnmarshaler)
		plain := key{path: path, target: target, isPath: field.Tag.Get("path") != ""}
		switch {
		case isText:
			keys = append(keys, plain)
		case isSecret:
			secret.key = strings.TrimPrefix(path[strings.LastIndexByte(path, ']')+1:], ".")
			keys = append(keys, key{path: path, target: &secret.text},
				key{path: path + "_file", target: &secret.file, isPath: true})
		case field.Anonymous:
			keys = append(keys, keysOf(v.Field(i), at)...)
		case field.Type.Kind() == reflect.Struct:
			keys = append(keys, keysOf(v.Field(i), path+".")...)
		case field.Type.Kind() == reflect.Slice:
			for j := range v.Field(i).Len() {
				keys = append(keys, keysOf(v.Field(i).Index(j), fmt.Sprintf("%s[%d].", path, j))...)
			}
		default:
			keys = append(keys, plain)
		}
	}
	return keys
}

// set gives the key a value, as it is written in the file or in a variable.
func (k key) set(text string) (err error) {
	var form string
	switch target := k.target.(type) {
	case encoding.TextUnmarshaler:
		return target.UnmarshalText([]byte(text))
	case *standing.PartnerKind:
		return choose(target, []byte(text), standing.DirectBill, standing.IndirectProvider, standing.IndirectReseller)
	case *standing.Date:
		form = "a day such as 2023-04-01"
		*target = standing.Date(text)
		_, err = time.Parse(time.DateOnly, text)
	case *time.Duration:
		form = "a duration such as 90s or 6h"
		*target, err = time.ParseDuration(text)
	case *int:
		form = "a whole number"
		*target, err = strconv.Atoi(text)
	case *float64:
		form = "a number"
		*target, err = strconv.ParseFloat(text, 64)
	case *bool:
		form = "true or false"
		*target, err = strconv.ParseBool(text)
	case *string:
		*target = text
		if strings.ContainsFunc(text, unicode.IsControl) { // not repeated: it may be a secret
			return errors.New("must be one line without control characters")
		}
	default:
		return errors.New("has a type that cannot be read")
	}
	if err != nil {
		return fmt.Errorf("must be %s, not %q", form, text)
	}
	return nil
}

// resolve makes the paths of a configuration absolute: relative ones are relative to the folder of
// the file.
func (c *Config) resolve(folder string) {
	absolute := func(path string) string {
		if path == "" || filepath.IsAbs(path) {
			return path
		}
		return filepath.Join(folder, path)
	}
	for _, k := range c.keys() {
		if path, ok := k.target.(*string); ok && k.isPath && *path != "" {
			*path = filepath.Clean(absolute(*path))
		}
	}
	if path, ok := strings.CutPrefix(c.Database, "sqlite:"); ok {
		c.Database = "sqlite:" + absolute(path)
	}
}
