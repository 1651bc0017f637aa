package charset

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// people are names as they are written in the language, which every encoding beside it can write.
var people = []struct {
	language  string
	names     string
	encodings string
}{
	{"Portuguese", "João Gonçalves;Márcia Simões;José Conceição;Inês Araújo;Antônio Magalhães;Luís Brandão;Júlia " +
		"Sebastião;Cláudia Assunção;Tânia Guimarães;" +
		"Fábio Falcão;Verônica Leão;Sérgio Patrício;Mônica Lourenço;Ângela Corrêa;Nélson Galvão;André Silva;Flávio " +
		"Dias;Rogério Paixão;Estevão Mourão", "IBM850 IBM860 macintosh"},
	{"Spanish", "José Muñoz;Íñigo Peña;María García;Ramón Martínez;Begoña Núñez;Álvaro Ibáñez;Sofía " +
		"Rodríguez;Andrés Pérez;Mónica Sánchez;Raúl Jiménez", "IBM850 IBM437 macintosh"},
	{"French", "François Lefèvre;Zoë Béguin;Hélène Benoît;Jérôme Châtelain;Élodie Léger;Noël Gérard;Françoise " +
		"Dubé;Cédric Crête;Anaïs Maître;Éric Côté", "IBM850 IBM437 macintosh"},
	{"German", "Jürgen Müller;Käthe Größe;Jörg Schäfer;Günther Weiß;Björn Köhler;Sören Krüger;Bärbel Jäger;Uwe " +
		"Döring;Ralf Schröder;Heiko Groß", "IBM850 IBM437 macintosh"},
	{"Swedish", "Björn Åkesson;Åsa Sjöberg;Göran Lindström;Märta Öberg;Håkan Löfgren;Pär Nyström;Örjan Åberg",
		"IBM850 IBM437 macintosh"},
	{"Danish", "Søren Kjær;Jørgen Sørensen;Bjørn Ødegård;Åse Nygård;Solbjørg Håland", "IBM850 macintosh"},
	{"Icelandic", "Þór Guðmundsson;Björk Guðmundsdóttir;Ásgeir Sigurðsson;Jón Þórarinsson", "IBM850"},
	{"Irish", "Siobhán O’Brien;Seán Súilleabháin;Caoimhín Máire;Pádraig Bhraonáin", "macintosh"},
	{"Czech", "Jiří Dvořák;Čeněk Novák;Kateřina Němcová;Tomáš Procházka;Zdeněk Růžička;Ondřej Černý;Lenka " +
		"Šťastná;Libuše Kučerová;Marek Říha", "windows-1250 iso-8859-2 IBM852"},
	{"Slovak", "Ľubomír Šťastný;Zuzana Kováčová;Ján Hudák;Mária Tóthová;Božena Lukáčová",
		"windows-1250 iso-8859-2 IBM852"},
	{"Polish", "Łukasz Żółkiewski;Małgorzata Wiśniewska;Paweł Dąbrowski;Michał Wójcik;Grażyna Kamińska;Bogusław " +
		"Zając;Jarosław Gołąb", "windows-1250 iso-8859-2 IBM852"},
	{"Hungarian", "Éva Erdős;Gábor Szőke;György Kovács;László Tóth;Zoltán Szűcs;Ágnes Németh;Jenő Pálffy;Zsófia " +
		"Kőszegi", "windows-1250 iso-8859-2 IBM852"},
	{"Romanian", "Ioana Păun;Răzvan Mîndru;Cătălin Băsescu;Mădălina Gârbea;Ştefan Ţurcanu;Ionuţ Bălan",
		"windows-1250 iso-8859-2 IBM852"},
	{"Croatian", "Željko Šimić;Ivana Petković;Đorđe Marković;Zvonimir Babić;Ćiro Blažević",
		"windows-1250 iso-8859-2 IBM852"},
	{"Turkish", "Ayşe Yılmaz;Gökhan Şahin;Çağrı Öztürk;İbrahim Doğan;Gülşen Işık;Özgür Yıldırım;Tuğba Aydın;Şükrü " +
		"Kılıç", "windows-1254 iso-8859-9"},
	{"Latvian", "Jānis Bērziņš;Līga Ozoliņa;Pēteris Kalniņš;Mārtiņš Liepiņš;Ilze Krūmiņa", "windows-1257 iso-8859-13"},
	{"Lithuanian", "Jūratė Žukauskienė;Kęstutis Petrauskas;Gediminas Šimkus;Rūta Kazlauskaitė",
		"windows-1257 iso-8859-13"},
	{"Russian", "Иван Петров;Ольга Смирнова;Анна Кузнецова;Дмитрий Попов;Ян Ли",
		"windows-1251 koi8-r IBM866 IBM855 iso-8859-5 x-mac-cyrillic"},
	{"Ukrainian", "Сергій Шевченко;Олена Бондаренко;Андрій Ткачук", "windows-1251 koi8-u"},
	{"Greek", "Γιώργος Παπαδόπουλος;Ελένη Νικολάου;Μαρία Γεωργίου", "windows-1253 iso-8859-7"},
	{"Hebrew", "דוד כהן;שרה לוי", "windows-1255 iso-8859-8"},
	{"Arabic", "محمد أحمد;فاطمة علي", "windows-1256 iso-8859-6"},
	{"Thai", "สมชาย ใจดี", "windows-874"},
	{"Chinese", "张 伟;王 芳;李 娜;刘 洋;陈 静", "GBK GB18030"},
	{"Japanese", "田中 太郎;佐藤 花子;鈴木 一郎;高橋 健", "Shift_JIS EUC-JP"},
	{"Korean", "김 철수;이 영희;박 민준;최 지우", "EUC-KR"},
}

func encoded(t *testing.T, text string, in Encoding) []byte {
	t.Helper()
	enc, err := lookUp(string(in))
	require.NoError(t, err)
	b, err := enc.NewEncoder().Bytes([]byte(text))
	require.NoError(t, err, "%s in %s", text, in)
	return b
}

func detected(t *testing.T, content []byte) (Encoding, error) {
	t.Helper()
	var d Detector
	// Pieces of any size are the same text.
	for size := 1; len(content) > 0; size++ {
		n := min(size, len(content))
		_, err := d.Write(content[:n])
		require.NoError(t, err)
		content = content[n:]
	}
	return d.Encoding()
}

const around = "customer_tenant_id,name,email\n8c3f2a1e-5b7d-4e9f-a1b2-c3d4e5f60718,"

// lists are the names of a language as lists of one, of four and of all.
func lists(names string) []string {
	all := strings.Split(names, ";")
	lists := append([]string{}, all...)
	for i := 0; i+4 <= len(all); i += 4 {
		lists = append(lists, strings.Join(all[i:i+4], "\n"))
	}
	return append(lists, strings.Join(all, "\n"))
}

//nolint:tparallel // the subtests share the models, which are slow to make
func TestNoOtherEncodingIsTakenForWindows1252(t *testing.T) {
	t.Parallel()
	known := models{} // made once for all lists
	tried := 0
	for _, p := range people {
		t.Run(p.language, func(t *testing.T) {
			for in := range strings.FieldsSeq(p.encodings) {
				for _, list := range lists(p.names) {
					enc, err := lookUp(in)
					require.NoError(t, err)
					content, err := enc.NewEncoder().Bytes([]byte(list))
					if err != nil {
						continue // IBM437 has no Í
					}
					same, err := io.ReadAll(Windows1252.NewReader(bytes.NewReader(content)))
					require.NoError(t, err)
					if string(same) == list {
						continue // all its letters are those of Windows-1252
					}
					tried++
					var w words
					w.add(append(content, '\n'))
					_, err = w.encoding(known)
					require.Error(t, err, "%q in %s", list, in)
				}
			}
		})
	}
	require.Greater(t, tried, 400)
}

func TestWindows1252IsRecognised(t *testing.T) {
	t.Parallel()
	for _, p := range people[:8] {
		t.Run(p.language, func(t *testing.T) {
			t.Parallel()
			names := strings.Split(p.names, ";")
			for i := 0; i+4 <= len(names); i++ {
				list := strings.Join(names[i:i+4], "\n")
				e, err := detected(t, append([]byte(around), encoded(t, list, Windows1252)...))
				require.NoError(t, err, list)
				require.Equal(t, Windows1252, e, list)
			}
		})
	}
	mixed := "João Gonçalves\nZoë Müller\nSiobhán O’Neill\nBjörn Åkesson\n“Acme® Ltda” – filial nº 3\n¿Qué? ¡Sí! 5 m²"
	e, err := detected(t, encoded(t, mixed, Windows1252))
	require.NoError(t, err)
	require.Equal(t, Windows1252, e)
}

func TestTheLikelyEncodingIsNamed(t *testing.T) {
	t.Parallel()
	for text, in := range map[string]Encoding{
		people[8].names: "windows-1250", people[17].names: "windows-1251", people[14].names: "windows-1254",
		people[0].names: "IBM850",
	} {
		_, err := detected(t, encoded(t, text, in))
		unknown, ok := errors.AsType[*UnknownError](err)
		require.True(t, ok)
		require.Equal(t, in, unknown.Likely)
	}
}

func TestTheTextSaysItself(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		content string
		want    Encoding
	}{
		"ASCII":                           {"a,b\n1,2\n", UTF8},
		"UTF-8":                           {"João", UTF8},
		"UTF-8 with a mark":               {"\ufeffa", UTF8},
		"UTF-8 with broken characters":    {"João, Márcia, Jo\xe3o", UTF8},
		"UTF-8 cut in the last character": {"João Jo\xc3", UTF8},
		"UTF-16 with a mark":              {"\xff\xfea\x00", UTF16LE},
		"UTF-16 without a mark":           {string(encoded(t, around, UTF16BE)), UTF16BE},
		"UTF-32 with a mark":              {"\xff\xfe\x00\x00a\x00\x00\x00", UTF32LE},
		"GB18030 with a mark":             {"\x84\x31\x95\x33a", GB18030},
		"Windows-1252 in the last word":   {around + "Jo\xe3o Gon\xe7alves Concei\xe7\xe3o", Windows1252},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, err := detected(t, []byte(c.content))
			require.NoError(t, err)
			require.Equal(t, c.want, e)
		})
	}
}

func TestNamesOfEncodings(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"utf-8": "ř", "windows-1250": "Ĺ\u2122", "cp1250": "Ĺ\u2122",
		"latin1": "Å\u2122", "IBM852": "┼Ö", "ansi": "Å\u2122"} {
		e, err := Parse(name)
		require.NoError(t, err)
		text, err := io.ReadAll(e.NewReader(strings.NewReader("ř")))
		require.NoError(t, err)
		require.Equal(t, want, string(text), name)
	}
	for _, c := range candidates {
		_, err := Parse(string(c.name))
		require.NoError(t, err)
	}
	_, err := Parse("klingon")
	require.ErrorContains(t, err, `encoding "klingon" is not known`)
}

func TestIntactUTF8(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{"": true, "Joao": true, "João, 日本": true, "Jo\uFFFDo": false,
		"Jo\xE3o": false, "João, Jo\xE3o": false, "Jo\xC3": false} {
		var whole, pieces Detector
		whole.Write([]byte(text))
		for i := range len(text) {
			pieces.Write([]byte{text[i]})
		}
		require.Equal(t, want, whole.IntactUTF8(), "%q", text)
		require.Equal(t, want, pieces.IntactUTF8(), "%q, byte by byte", text)
	}
}
