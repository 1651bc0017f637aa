/* Writes the rows of a file to a workbook with libxlsxwriter in constant-memory mode: the limit that the benchmark of the reports package
 * compares with. A row is a line, cells are separated by tabs, and begin with what they hold: t text, n number, d day, i instant.
 * With a third argument the rows are only read, to know what reading them costs. It prints the seconds that it took, and the most
 * memory in kB that the process ever held. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <xlsxwriter.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
    static char line[1 << 20];
    FILE *in = fopen(argv[1], "r");
    if (argc < 3 || !in) {
        fprintf(stderr, "usage: %s ROWS BOOK [read]\n", argv[0]);
        return 2;
    }
    double began = now(), sum = 0;
    lxw_workbook_options options = {.constant_memory = LXW_TRUE};
    lxw_workbook *book = workbook_new_opt(argv[2], &options);
    lxw_worksheet *sheet = workbook_add_worksheet(book, "Customers");
    lxw_format *day = workbook_add_format(book), *instant = workbook_add_format(book);
    format_set_num_format(day, "yyyy-mm-dd");
    format_set_num_format(instant, "yyyy-mm-dd hh:mm");
    for (lxw_row_t row = 0; fgets(line, sizeof line, in); row++) {
        line[strcspn(line, "\n")] = 0;
        lxw_col_t col = 0;
        char *rest = line, *cell;
        while ((cell = strsep(&rest, "\t"))) {
            double value = *cell && *cell != 't' ? strtod(cell + 1, NULL) : 0;
            if (argc > 3)
                sum += value;
            else if (*cell == 't')
                worksheet_write_string(sheet, row, col, cell + 1, NULL);
            else if (*cell)
                worksheet_write_number(sheet, row, col, value, *cell == 'd' ? day : *cell == 'i' ? instant : NULL);
            col++;
        }
    }
    if (workbook_close(book) != LXW_NO_ERROR || sum < 0)
        return 1;
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    printf("%f %ld\n", now() - began, used.ru_maxrss);
    return 0;
}
