package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/agext/levenshtein"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// noSuchCommand names the command that a mistyped one is like.
func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return fmt.Errorf("there is no command %q%s", args[0], suggest("", args[0], names))
}

// needsCommand makes a command that only groups others.
func needsCommand(cmd *cobra.Command) *cobra.Command {
	cmd.Args = noSuchCommand
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		var names []string
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				names = append(names, c.Name())
			}
		}
		return usageErrorf("%s needs a command: %s", cmd.CommandPath(), strings.Join(names, ", "))
	}
	return cmd
}

// suggest ends a message with the known word that is most like a mistyped one, if there is one.
func suggest(prefix, word string, known []string) string {
	best, least := "", len(word)/2+1
	for _, candidate := range known {
		if d := levenshtein.Distance(strings.ToLower(word), candidate, nil); d < least {
			best, least = candidate, d
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + prefix + best + "?"
}

// flagError says what is wrong with a flag.
func flagError(cmd *cobra.Command, err error) error {
	if e, ok := errors.AsType[*pflag.NotExistError](err); ok {
		name := e.GetSpecifiedName()
		if e.GetSpecifiedShortnames() != "" {
			return fmt.Errorf("there is no flag -%s", name)
		}
		var known []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
		return fmt.Errorf("there is no flag --%s%s", name, suggest("--", name, known))
	}
	if e, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		return fmt.Errorf("--%s needs a value", e.GetFlag().Name)
	}
	if e, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		if kind, known := flagKinds[e.GetFlag().Value.Type()]; known {
			return fmt.Errorf("--%s must be %s, not %q", e.GetFlag().Name, kind, e.GetValue())
		}
		return fmt.Errorf("--%s %q: %w", e.GetFlag().Name, e.GetValue(), e.Unwrap())
	}
	return err
}

// flagKinds say in words what a flag of a type takes.
var flagKinds = map[string]string{
	"int": "a whole number", "int64": "a whole number", "uint64": "a whole number, not negative", "float64": "a number",
	"bool": "true or false", "duration": "a duration such as 90s or 5m",
}

// noArguments refuses arguments.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%s takes no arguments, and was given %q", cmd.CommandPath(), args[0])
	}
	return nil
}

// exactly takes so many arguments.
func exactly(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return fmt.Errorf("usage: %s: %d arguments are given", cmd.UseLine(), len(args))
		}
		return nil
	}
}

// atLeastOne takes one argument or more.
func atLeastOne(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("usage: %s: no argument is given", cmd.UseLine())
	}
	return nil
}

// withArguments makes a command take arguments.
func withArguments(cmd *cobra.Command, what string, arguments cobra.PositionalArgs, into *[]string) *cobra.Command {
	cmd.Use += " " + what
	cmd.Args = func(cmd *cobra.Command, given []string) error {
		*into = given
		return arguments(cmd, given)
	}
	return cmd
}

// example shows how a command is used.
func example(cmd *cobra.Command, lines ...string) *cobra.Command {
	cmd.Example = "  " + strings.Join(lines, "\n  ")
	return cmd
}
