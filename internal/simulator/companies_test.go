package simulator

import (
	"regexp"
	"slices"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
)

func TestHomeHasOrdinaryCompaniesAndSomeFromAbroad(t *testing.T) {
	t.Parallel()
	domain := regexp.MustCompile(`^[a-z0-9]+\.onmicrosoft\.com$`)
	for _, home := range homes()[1:] {
		w := World{Seed: 2, Customers: 1000, Home: home}
		atHome, awkward, otherScript := 0, 0, 0
		for i := range w.Customers {
			c := w.Customer(i)
			assert.Regexp(t, domain, c.Domain)
			assert.NotEmpty(t, c.CompanyName)
			if c.Country == home {
				atHome++
			}
			if slices.Contains(hostile, c.CompanyName) {
				awkward++
			}
			if slices.ContainsFunc([]rune(c.CompanyName), func(r rune) bool {
				return unicode.IsLetter(r) && !unicode.Is(unicode.Latin, r)
			}) {
				otherScript++
			}
		}
		assert.InDelta(t, 775, atHome, 60, home)
		assert.InDelta(t, 8, awkward, 8, home)
		assert.Greater(t, otherScript, 50, home)
	}
}
