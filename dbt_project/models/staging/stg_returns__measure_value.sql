-- Every return of measures meets here: its figures in accepted slices, with the measure that their names stand for.
with figures as (
    select * from {{ source('raw', 'measure_value') }}
),

slices as (
    select * from {{ ref('stg_ledger__slice') }}
    where table_name = 'measure_value'
),

measure_aliases as (
    select * from {{ ref('measure_alias') }}
)

-- A left join to the aliases: a name that nobody knows must fail a test, not vanish.
select
    figures.delivery_id,
    figures.return_code,
    figures.reporting_unit_code,
    figures.slice_period,
    measure_aliases.measure_code,
    figures.unit_code,
    figures.period_type,
    figures.period_start_on,
    figures.period_end_on,
    figures.scenario,
    figures.value,
    figures.value_low,
    figures.value_high,
    figures.value_text,
    figures.numerator,
    figures.denominator,
    figures.qualifier,
    figures.status,
    figures.value_basis,
    figures.measure_printed,
    figures.source_sheet,
    figures.source_row,
    figures.source_column,
    figures.source_cell
from figures
inner join slices
    on
        figures.delivery_id = slices.delivery_id
        and figures.slice_period = slices.slice_period
        and figures.reporting_unit_code = slices.reporting_unit_code
left join measure_aliases
    on
        figures.return_code = measure_aliases.return_code
        and figures.measure_key = measure_aliases.measure_key
