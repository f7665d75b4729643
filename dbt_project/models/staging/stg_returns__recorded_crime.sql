-- Every return of recorded crime meets here: its cells in accepted slices, with the codes that their spellings mean.
with cells as (
    select * from {{ source('raw', 'recorded_crime') }}
),

slices as (
    select * from {{ ref('stg_ledger__slice') }}
    where table_name = 'recorded_crime'
),

area_aliases as (
    select * from {{ ref('area_alias') }}
),

offence_aliases as (
    select * from {{ ref('offence_alias') }}
)

-- Left joins to the aliases: a spelling that nobody knows must fail a test, not vanish.
select
    cells.delivery_id,
    cells.return_code,
    cells.reporting_unit_code,
    cells.slice_period as month,
    area_aliases.area_code,
    offence_aliases.offence_code,
    cells.offences,
    cells.area_printed,
    cells.major_category_printed,
    cells.minor_category_printed,
    cells.source_sheet,
    cells.source_row,
    cells.source_column,
    cells.source_cell
from cells
inner join slices
    on
        cells.delivery_id = slices.delivery_id
        and cells.slice_period = slices.slice_period
        and cells.reporting_unit_code = slices.reporting_unit_code
left join area_aliases
    on cells.area_key = area_aliases.area_key
left join offence_aliases
    on
        slices.scheme = offence_aliases.scheme
        and cells.offence_key = offence_aliases.offence_key
