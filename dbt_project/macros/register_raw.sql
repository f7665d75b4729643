{#
  Before a build: the Parquet of var('inputs_dir') becomes the source `raw`, as views. A view per table, and not
  dbt-duckdb's external_location, because unit tests need a relation and because another engine registers its
  tables in its own way under the same names.
#}
{% macro register_raw() %}
    {%- set files = {
        'recorded_crime': 'recorded_crime/**/*.parquet',
        'measure_value': 'measure_value/**/*.parquet',
        'delivery': 'ledger/delivery.parquet',
        'slice': 'ledger/slice.parquet',
    } -%}
    create schema if not exists raw;
    {%- for name, pattern in files.items() %}
    create or replace view raw.{{ name }} as
    select * from read_parquet('{{ (var("inputs_dir") ~ "/" ~ pattern) | replace("'", "''") }}', union_by_name = true);
    {%- endfor %}
{% endmacro %}
