package intake

import tags "golang.org/x/text/language"

// mostLanguages bounds what is remembered of a stranger's file.
const mostLanguages = 256

// language reads a BCP 47 tag. There are few in a file, so those that were read are remembered.
func (c *checker) language(cell string) (string, *problem) {
	if known, ok := c.languages[cell]; ok {
		return known, nil
	}
	tag, err := tags.Parse(cell)
	if err != nil || tag == tags.Und {
		return "", &problem{BadLanguage, "this is not a language tag", "Write the tag, such as pt-BR or en-US"}
	}
	if c.languages == nil {
		c.languages = map[string]string{}
	}
	if len(c.languages) < mostLanguages {
		c.languages[cell] = tag.String()
	}
	return tag.String(), nil
}
