-- Where a series stops being comparable with itself: what people know (a seed), and what coverage shows (a change of
-- scheme between one covered month and the next).
with crime_coverage as (
    select
        return_code,
        reporting_unit_code,
        slice_period,
        scheme,
        delivery_id,
        lag(slice_period) over by_month as previous_period,
        lag(scheme) over by_month as previous_scheme,
        lag(delivery_id) over by_month as previous_delivery_id
    from {{ ref('fct_coverage') }}
    where table_name = 'recorded_crime' and is_in_force
    window by_month as (partition by return_code, reporting_unit_code order by slice_period)
),

returns as (
    select * from {{ ref('return_precedence') }}
),

months as (
    select * from {{ ref('dim_month') }}
),

schemes as (
    select * from {{ ref('scheme') }}
),

-- A break stated of a table holds for every return of that table.
stated as (
    select
        returns.return_code as applies_to,
        breaks.area_code,
        breaks.scheme,
        breaks.breaks_on,
        breaks.kind,
        breaks.reason,
        breaks.source
    from {{ ref('series_break') }} as breaks
    inner join returns
        on breaks.applies_to in (returns.return_code, returns.table_name)
),

scheme_changes as (
    select
        crime_coverage.return_code as applies_to,
        cast(null as {{ dbt.type_string() }}) as area_code,
        cast(null as {{ dbt.type_string() }}) as scheme,
        crime_coverage.slice_period as breaks_on,
        'scheme' as kind,
        previous_month.month_name || ' is under scheme ' || crime_coverage.previous_scheme || ', '
        || this_month.month_name || ' under ' || crime_coverage.scheme || ': '
        || crime_coverage.previous_scheme || ' has ' || previous_scheme.differs || '; '
        || crime_coverage.scheme || ' has ' || this_scheme.differs || '.' as reason,
        'Deliveries ' || crime_coverage.previous_delivery_id || ' and ' || crime_coverage.delivery_id as source
    from crime_coverage
    left join months as previous_month
        on crime_coverage.previous_period = previous_month.month
    left join months as this_month
        on crime_coverage.slice_period = this_month.month
    left join schemes as previous_scheme
        on crime_coverage.previous_scheme = previous_scheme.scheme
    left join schemes as this_scheme
        on crime_coverage.scheme = this_scheme.scheme
    where crime_coverage.scheme <> crime_coverage.previous_scheme
)

select * from stated
union all
select * from scheme_changes
